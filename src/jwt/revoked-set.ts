import { type Members } from "../parse/object.ts";

export const revocationKinds = ["grant", "token", "subject"] as const;

/** What is revoked beside whole keys: tokens of a grant (`sid`), of a subject (`sub`) up to an instant, or one token (`jti`). */
export interface TokenRevocation {
  /** `grant`: the claim `sid`. `token`: `jti`. `subject`: `sub`. */
  readonly kind: (typeof revocationKinds)[number];
  readonly value: string;
  /** A subject's tokens with a later `iat` are good; Unix milliseconds. */
  readonly atMs: number;
  /** No token that it concerns lives longer, exclusive; Unix milliseconds. */
  readonly endsAtMs: number;
}

/** The revocations in force, in memory: one lookup for each kind, whatever their number. */
export class RevokedSet {
  readonly #byKind = newMaps();
  readonly #listeners = new Set<(revocation: TokenRevocation) => void>();

  get size(): number {
    return revocationKinds.reduce((sum, kind) => sum + this.#byKind[kind].size, 0);
  }

  /** Nothing is revoked: the cheapest question. */
  get isEmpty(): boolean {
    const { grant, token, subject } = this.#byKind;
    return grant.size === 0 && token.size === 0 && subject.size === 0;
  }

  /** One more; a later one of the same kind and value takes the place of the earlier. Twice is the same as once. */
  add(revocation: TokenRevocation): void {
    const { kind, value, atMs, endsAtMs } = revocation;
    const known = this.#byKind[kind].get(value);
    this.#byKind[kind].set(value, {
      atMs: Math.max(atMs, known?.atMs ?? atMs),
      endsAtMs: Math.max(endsAtMs, known?.endsAtMs ?? endsAtMs),
    });
    for (const listener of this.#listeners) listener(revocation);
  }

  /** Calls the listener with each that is added, once it is in force, until the returned function is called. */
  listen(listener: (revocation: TokenRevocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets what no token can be concerned by any more. */
  prune(nowMs: number): void {
    for (const kind of revocationKinds)
      for (const [value, { endsAtMs }] of this.#byKind[kind]) if (endsAtMs <= nowMs) this.#byKind[kind].delete(value);
  }

  /** Whether verified claims are of a token that is revoked. */
  has(claims: Members): boolean {
    return find(this.#byKind.token, claims["jti"]) !== undefined || this.hasOwner(claims);
  }

  /** Whether their grant is, or their subject: `iat` counts whole seconds, and of the second of a revocation all are old. */
  hasOwner(claims: Members): boolean {
    const { grant, subject } = this.#byKind;
    if (find(grant, claims["sid"]) !== undefined) return true;
    const revoked = find(subject, claims["sub"]);
    if (revoked === undefined) return false;
    const { iat } = claims;
    return typeof iat !== "number" || iat * 1000 <= revoked.atMs;
  }
}

const find = (revoked: ReadonlyMap<string, Until>, value: unknown): Until | undefined =>
  revoked.size > 0 && typeof value === "string" ? revoked.get(value) : undefined;

type Until = Pick<TokenRevocation, "atMs" | "endsAtMs">;
const newMaps = () => ({
  grant: new Map<string, Until>(),
  token: new Map<string, Until>(),
  subject: new Map<string, Until>(),
});
