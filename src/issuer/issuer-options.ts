import type { Address } from "../http/address.ts";
import type { CertificateFiles } from "../http/certificate.ts";
import type { Limits } from "../http/listener.ts";
import type { SourcesPlan } from "../holder/assemble.ts";
import type { RevokedSet } from "../jwt/revoked-set.ts";
import type { Signatures } from "../jwt/signatures.ts";
import type { Log } from "../telemetry/log.ts";
import type { Clock } from "../time/clock.ts";
import type { LiveOptions } from "./callers/live-callers.ts";
import type { IssuerApiOptions } from "./api/issuer-api.ts";

export interface IssuerOptions
  extends
    Pick<IssuerApiOptions, "mostASecond" | "trustedProxies" | "version">,
    Pick<LiveOptions, "apiServer" | "userAgent"> {
  /** The ring that signs: its private half is needed. */
  readonly sources: SourcesPlan;
  /** The TokenIssuer file. */
  readonly config: string;
  /** Is given what reads that file, and those that it names, at once. @default they are read when they change */
  readonly rereadOn?: (reread: () => void) => void;
  /** `sqlite:PATH` or `postgres://…`; may hold a password. */
  readonly store: string;
  /** Kept as the store has it: others in this process look at it. @default its own */
  readonly revoked?: RevokedSet;
  readonly listen: Address;
  /** The API speaks HTTPS with this certificate, followed as it is renewed. @default HTTP in clear text */
  readonly certificate?: CertificateFiles;
  /** Health and metrics; absent: none. */
  readonly adminListen?: Address & { readonly kind: "tcp" };
  readonly limits?: Limits;
  /** So long requests that were begun may take after the signal, in milliseconds. */
  readonly drainMs: number;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly newId: () => string;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
  /** What else `/readyz` is to tell of the process, a line each. @default nothing */
  readonly remarks?: () => readonly string[];
  readonly log: Log;
  /** Ends it in good order. */
  readonly signal: AbortSignal;
  /** Told once everything is open. */
  readonly onListening?: (ports: IssuerPorts) => void;
}

interface IssuerPorts {
  readonly api: number;
  readonly admin?: number;
}
