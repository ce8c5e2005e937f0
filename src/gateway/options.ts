import type { RevokedSet } from "../jwt/revoked-set.ts";
import type { Requirements } from "../jwt/requirements.ts";
import type { Signatures } from "../jwt/signatures.ts";
import type { Clock } from "../time/clock.ts";
import type { SourcesPlan } from "../holder/assemble.ts";
import type { Address } from "../http/address.ts";
import type { Limits } from "../http/listener.ts";
import type { OwnedHeader } from "./faces/owned-headers.ts";
import type { RevocationPlan } from "../revocations/revocation-follower.ts";
import type { Sessions } from "../sessions/open-sessions.ts";
import type { SessionsOptions } from "../sessions/sessions-options.ts";
import type { Log } from "../telemetry/log.ts";

export interface GatewayOptions {
  readonly sources: SourcesPlan;
  /** Forward-auth, JWKS, discovery. */
  readonly listen: Address;
  /** Envoy's ext_authz over gRPC; absent: none. */
  readonly grpcListen?: Address;
  /** Health and metrics; absent: none. */
  readonly adminListen?: Address & { readonly kind: "tcp" };
  /** A Unix socket or a loopback address; absent: nothing is minted. */
  readonly mintListen?: Address;
  /** @default none are served */
  readonly sessions?: SessionsOptions;
  /** What a token must have beside what its key's profile says. */
  readonly required: Requirements;
  readonly owned: readonly OwnedHeader[];
  /** Where to hear of revoked tokens. @default nowhere: keys alone are revoked */
  readonly revocations?: RevocationPlan;
  /** What an issuer in this process knows to be revoked; where there are no `revocations`. @default nothing */
  readonly revoked?: RevokedSet;
  /** `jwks_uri` of the discovery document. @default `<issuer>/.well-known/jwks.json` */
  readonly jwksUri?: string;
  /** So long requests that were begun may take after the signal, in milliseconds; over it sessions are spread that end. */
  readonly drainMs: number;
  readonly limits?: Limits;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly newId: () => string;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
  /** How many tokens in use each key remembers as verified: `CompileOptions.cacheEntries`. @default 4096 */
  readonly cacheEntries?: number;
  /** What else `/readyz` is to tell of the process, a line each; no reason to take traffic away. @default nothing */
  readonly remarks?: () => readonly string[];
  /** Log each token that is refused, at level debug: its kid, and why. @default false */
  readonly tellsRefusals?: boolean;
  /** Log each token that is minted: `sub`, `jti`, `kid` and `exp`. @default false */
  readonly tellsMinted?: boolean;
  readonly log: Log;
  /** Ends it in good order. */
  readonly signal: AbortSignal;
  /** Told once the front and admin listeners are open. */
  readonly onListening?: (ports: Ports) => void;
}

export interface Ports {
  readonly front: number;
  readonly grpc?: number;
  readonly admin?: number;
  /** Of the sessions' listeners. */
  readonly sessions?: Sessions["ports"];
  /** Resolves when the mint listener is open: once the gateway is ready. */
  readonly mint?: Promise<number>;
}
