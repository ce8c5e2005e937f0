import { type Members } from "../parse/object.ts";

/** What is revoked beside whole keys: tokens of a grant (`sid`), of a subject (`sub`) up to an instant, or one token (`jti`). */
export interface TokenRevocation {
  readonly kind: "grant" | "token" | "subject";
  readonly value: string;
  /** A subject's tokens with a later `iat` are good; Unix milliseconds. */
  readonly atMs: number;
  /** No token that it concerns lives longer, exclusive; Unix milliseconds. */
  readonly endsAtMs: number;
}

const claimOf = { grant: "sid", token: "jti", subject: "sub" } as const;
const kinds = ["grant", "token", "subject"] as const;

/** The revocations in force, in memory: one lookup for each kind, whatever their number. */
export class RevokedSet {
  #byKind = newMaps();

  get size(): number {
    return kinds.reduce((sum, kind) => sum + this.#byKind[kind].size, 0);
  }

  /** One more; a later one of the same kind and value takes the place of the earlier. Twice is the same as once. */
  add({ kind, value, atMs, endsAtMs }: TokenRevocation): void {
    const known = this.#byKind[kind].get(value);
    this.#byKind[kind].set(value, {
      atMs: Math.max(atMs, known?.atMs ?? atMs),
      endsAtMs: Math.max(endsAtMs, known?.endsAtMs ?? endsAtMs),
    });
  }

  /** These and no others. */
  replace(all: Iterable<TokenRevocation>): void {
    this.#byKind = newMaps();
    for (const one of all) this.add(one);
  }

  /** Forgets what no token can be concerned by any more. */
  prune(nowMs: number): void {
    for (const kind of kinds)
      for (const [value, { endsAtMs }] of this.#byKind[kind]) if (endsAtMs <= nowMs) this.#byKind[kind].delete(value);
  }

  /** Whether verified claims are of a token that is revoked. `iat` counts whole seconds: of the second of a revocation all are old. */
  has(claims: Members): boolean {
    return kinds.some((kind) => {
      const value = claims[claimOf[kind]];
      const revoked = typeof value === "string" ? this.#byKind[kind].get(value) : undefined;
      if (revoked === undefined) return false;
      if (kind !== "subject") return true;
      const { iat } = claims;
      return typeof iat !== "number" || iat * 1000 <= revoked.atMs;
    });
  }
}

type Until = Pick<TokenRevocation, "atMs" | "endsAtMs">;
const newMaps = () => ({
  grant: new Map<string, Until>(),
  token: new Map<string, Until>(),
  subject: new Map<string, Until>(),
});
