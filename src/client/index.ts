// What `@keyturn/client` exports.
export { TokenKeeper, type TokenSource } from "./keep/token-keeper.ts";
export type { GrpcCredentialsMaker, GrpcLibrary, GrpcMetadata } from "./keep/grpc-credentials.ts";
export { ChangeNeededError, KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
export type { FirstCredential } from "../identity/oauth/oauth-issuer.ts";
