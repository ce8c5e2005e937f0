import type { PeerState } from "./peer-state.ts";
import { revocableNames, revokedName } from "./session-token.ts";

/** Which peers go by a name: of a subject, of a session, of what may be revoked. */
export class PeerIndex {
  /** Most names are of one peer alone, and a set of one is six times as large as what is in it. */
  readonly #keys = new Map<string, string | Set<string>>();

  get size(): number {
    return this.#keys.size;
  }

  find(name: string): Iterable<string> {
    const keys = this.#keys.get(name);
    if (keys === undefined) return [];
    return typeof keys === "string" ? [keys] : keys;
  }

  /** Any one of them. */
  first(name: string): string | undefined {
    const keys = this.#keys.get(name);
    return typeof keys === "string" ? keys : keys?.values().next().value;
  }

  count(name: string): number {
    const keys = this.#keys.get(name);
    return typeof keys === "string" ? 1 : (keys?.size ?? 0);
  }

  has(name: string, key: string): boolean {
    const keys = this.#keys.get(name);
    return typeof keys === "string" ? keys === key : keys?.has(key) === true;
  }

  /** The names of a peer are others from now on. */
  move(key: string, before: readonly string[], after: readonly string[]): void {
    for (const name of before) if (!after.includes(name)) this.#remove(name, key);
    for (const name of after) if (!before.includes(name)) this.#add(name, key);
  }

  #add(name: string, key: string): void {
    const keys = this.#keys.get(name);
    if (keys === undefined) this.#keys.set(name, key);
    else if (typeof keys !== "string") keys.add(key);
    else if (keys !== key) this.#keys.set(name, new Set([keys, key]));
  }

  #remove(name: string, key: string): void {
    const keys = this.#keys.get(name);
    if (typeof keys === "object") keys.delete(key);
    if (keys === key || (typeof keys === "object" && keys.size === 0)) this.#keys.delete(name);
  }
}

/** The name of a subject's peers, also of those that are away. */
export const ofSubject = (subject: string): string => revokedName({ kind: "subject", value: subject });

/** The name of a session, open or gone on with. */
export const ofSession = (id: string): string => `session ${id}`;

/** All names that a peer has; none where there is no peer. */
export const namesOf = (subject: string, state: PeerState | undefined): readonly string[] =>
  state === undefined
    ? []
    : [
        ofSubject(subject),
        ...state.sessionIds.map(ofSession),
        ...(state.session ? revocableNames(state.session.token) : []),
      ];

/** Most events change no name. */
export const goByTheSame = (one: PeerState | undefined, other: PeerState | undefined): boolean =>
  one?.sessionIds === other?.sessionIds && one?.session?.token === other?.session?.token;
