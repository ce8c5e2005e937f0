// What `@keyturn/client/verify` exports.
export { openVerifier } from "./verify/open-verifier.ts";
export type { VerdictReason, TokenVerdict, TokenVerifier } from "./verify/open-verifier.ts";
export type { VerifierEvent, VerifierOptions, VerifierSource } from "./verify/verifier-options.ts";
export { ChangeNeededError, KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
export { tokenTypes, type TokenType } from "../jwt/header.ts";
export { refusalReasons, type RefusalReason } from "../jwt/reasons.ts";
export type { Requirements } from "../jwt/requirements.ts";
export type { Accepted } from "../jwt/verifying-key.ts";
export type { Members } from "../parse/object.ts";
export { algorithms, type Algorithm, type Kid } from "../ring/key.ts";
