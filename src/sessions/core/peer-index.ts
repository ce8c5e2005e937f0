import type { PeerState } from "./peer-state.ts";
import { revocableNames } from "./session-token.ts";

/** Which peers go by a name: of a subject, of a session, of what may be revoked. */
export class PeerIndex {
  readonly #keys = new Map<string, Set<string>>();

  get size(): number {
    return this.#keys.size;
  }

  find(name: string): ReadonlySet<string> {
    return this.#keys.get(name) ?? none;
  }

  /** The names of a peer are others from now on. */
  move(key: string, before: readonly string[], after: readonly string[]): void {
    for (const name of before) if (!after.includes(name)) this.#remove(name, key);
    for (const name of after) if (!before.includes(name)) this.#add(name, key);
  }

  #add(name: string, key: string): void {
    const keys = this.#keys.get(name);
    if (keys) keys.add(key);
    else this.#keys.set(name, new Set([key]));
  }

  #remove(name: string, key: string): void {
    const keys = this.#keys.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(name);
  }
}

const none: ReadonlySet<string> = new Set();

/** The name of a subject's peers. */
export const ofSubject = (subject: string): string => `of ${subject}`;

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
