import type { Change } from "../ring/change.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { Decision, Observation } from "../ring/decide.ts";
import type { Keeper } from "../ring/keeper.ts";
import type { SetAside } from "./store.ts";

/** What must be known before a change is asked for. */
export interface Precheck {
  /** One line each, for people: who else sets the fields. */
  readonly notes: readonly string[];
  /** Present when somebody else would undo it: where it has to be changed instead. */
  readonly elsewhere?: {
    /** `Cannot …: …`, one line. */
    readonly why: string;
    /** What to change there: a part of the JwtKeyRotation. */
    readonly manifest: object;
  };
}

/** Where a ring lives: a directory, or a namespace of a cluster. The tools know no more of either than this. */
export interface RingHome {
  /** For people: `directory /var/lib/keyturn`, `rotation shop/gateway`. */
  readonly where: string;
  /**
   * Reads everything that a pass would read, and writes nothing.
   *
   * @param signal - Ends it early; it is then one that may work later
   */
  observe(signal?: AbortSignal): Promise<Observation>;
  /** What the last look could not see, or what must be known beside it: a line each. @default none */
  remarks?(): readonly string[];
  /** The published JWKS, byte for byte (RFC 7517 §5). */
  publicJwks(): Promise<string>;
  /** `keyring.json` of the object, as gateways read it; the signer object's has a private half, and is for `token mint` alone. */
  keyRing(of: ProjectionName): Promise<string>;
  /** Who carries the rotation out: asks anew each time, and changes nothing. */
  keeper(signal?: AbortSignal): Promise<Keeper>;
  /** Asks for nothing. @default nothing must be known */
  precheck?(change: Change): Promise<Precheck>;
  /**
   * What will be set aside when the decision, which is made as if the change had been asked for, is carried out: only what may be
   * read here. Writes nothing. @default nothing
   */
  setsAside?(decision: Decision, change: Change): Promise<readonly SetAside[]>;
  /** @throws {@link ChangeNeededError} when the home refuses the change */
  change(change: Change): Promise<void>;
  /** Yields whenever something that `observe` reads may have changed; ends with the signal. */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

/** One of several rotations, as its keeper reported it. Instants are Unix milliseconds. */
export interface RotationSummary {
  readonly namespace: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  readonly activeKid?: string;
  readonly algorithm?: string;
  readonly lastRotationAtMs?: number;
  readonly nextRotationAtMs?: number;
  /** `2/3`: gateways that have the newest ring, of those that are expected. */
  readonly gateways?: string;
  /** One line. */
  readonly waitingFor?: string;
  /** As `status -o json` has it. */
  readonly document: Readonly<Record<string, unknown>> & {
    readonly metadata: { readonly namespace?: string; readonly name: string };
  };
}
