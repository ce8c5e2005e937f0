import { DeadlineQueue } from "./deadline-queue.ts";
import { bytesIn, isKnown, type SessionMessage } from "./outbox.ts";
import { goByTheSame, namesOf, ofSession, ofSubject, PeerIndex } from "./peer-index.ts";
import type {
  MovedPeer,
  SessionOpening,
  ResumePoint,
  PeerEffect,
  PeerEvent,
  PeerKey,
  PeerState,
  SessionRules,
} from "./peer-state.ts";
import { final, retryableLater, type SessionEnd } from "./session-end.ts";
import { revokedName, type SessionRevocation, type SessionToken } from "./session-token.ts";
import { movedPeer, peerWakeAtMs, stepPeer } from "./step-peer.ts";

export interface RegistryRules extends SessionRules {
  /** Peers at the same time, also those that are away. */
  readonly peers: number;
  /** The same of one subject. */
  readonly peersOfSubject: number;
  /** Of all messages that wait, in both directions. */
  readonly totalBytes: number;
}

/** What is to be done for a peer. */
export interface RegistryEffect {
  readonly peer: PeerKey;
  readonly effect: PeerEffect;
}

export type RegistryEffects = readonly RegistryEffect[];

interface PeerEntry {
  readonly peer: PeerKey;
  readonly state: PeerState;
  /** The nearest instant under which the queue has it. */
  readonly queuedAtMs: number;
}

/**
 * All peers of a gateway, each with its own state machine: who is who, how many there may be, who is concerned by what, and who is next. Acts on
 * nothing and asks no clock: what is to be done comes back, to be done at once and in order.
 */
export class SessionRegistry {
  readonly #rules: RegistryRules;
  readonly #chance: () => number;
  readonly #noted: (peer: PeerKey, isKnown: boolean) => void;
  readonly #entries = new Map<string, PeerEntry>();
  /** Those that are away, the longest first. */
  readonly #away = new Set<string>();
  readonly #index = new PeerIndex();
  #queue = new DeadlineQueue();
  #open = 0;
  #bytes = 0;
  #isDraining = false;

  /**
   * @param chance - From 0 to below 1, another at each call
   * @param noted - Hears of each peer when something of it is kept, and when nothing is any more
   */
  constructor(
    rules: RegistryRules,
    chance: () => number,
    noted: (peer: PeerKey, isKnown: boolean) => void = () => undefined,
  ) {
    this.#rules = rules;
    this.#chance = chance;
    this.#noted = noted;
  }

  /** How many sessions are open, how many peers are known, how many bytes wait, and in how many places something is remembered. */
  get size(): { readonly open: number; readonly peers: number; readonly bytes: number; readonly remembered: number } {
    const remembered = this.#entries.size + this.#away.size + this.#index.size + this.#queue.size;
    return { open: this.#open, peers: this.#entries.size, bytes: this.#bytes, remembered };
  }

  /** When {@link lookNext} has something to do: Unix milliseconds, Infinity for never. */
  get wakeAtMs(): number {
    return this.#queue.nextAtMs;
  }

  /** All that are known, also those that are away. */
  *peers(): Generator<PeerKey> {
    for (const { peer } of this.#entries.values()) yield peer;
  }

  /** What is known of a peer. */
  find(peer: PeerKey): PeerState | undefined {
    return this.#entries.get(peerName(peer))?.state;
  }

  /** Why no session of the peer can be opened here now, whatever its token; undefined: one can. */
  refusal(peer: PeerKey, resume: ResumePoint | undefined): SessionEnd | undefined {
    if (this.#isDraining) return retryableLater("Draining", this.#chance());
    const owner = resume && this.#index.first(ofSession(resume.sessionId));
    if (owner !== undefined && owner !== peerName(peer)) return final("Forbidden");
    return this.#leaving(peer) === undefined ? retryableLater("TooMany", this.#chance()) : undefined;
  }

  /** A session of a token that was verified in this tick; or the reason why there is none, as the only effect. */
  open(peer: PeerKey, opening: SessionOpening, nowMs: number): RegistryEffects {
    const refuse = (end: SessionEnd): RegistryEffects => [
      { peer, effect: { kind: "close", sessionId: opening.sessionId, end } },
    ];
    const { resume, token } = opening;
    if (token.subject !== peer.subject) return refuse(final("Forbidden"));
    const refusal = this.refusal(peer, resume);
    if (refusal !== undefined) return refuse(refusal);
    return [...(this.#makeRoom(peer, nowMs) ?? []), ...this.#step(peer, { kind: "opened", ...opening }, nowMs)];
  }

  /** Another token for an open session: nothing is done where it is over, or the token ends sooner. Undefined: it is no session of this subject. */
  renew(sessionId: string, token: SessionToken, nowMs: number): RegistryEffects | undefined {
    const peer = this.#ownerOf(sessionId);
    if (peer?.subject !== token.subject) return undefined;
    return this.#step(peer, { kind: "renewed", sessionId, token }, nowMs);
  }

  /** What comes from a session; from one that has ended nothing counts. */
  from(event: Extract<PeerEvent, { kind: "heard" | "confirmed" | "lost" }>, nowMs: number): RegistryEffects {
    const peer = this.#ownerOf(event.sessionId);
    if (peer === undefined) return [];
    const isNew = event.kind === "heard" && event.message.seq > (this.find(peer)?.inbox.lastSeq ?? 0);
    return isNew && this.#isTooMuch(event.message)
      ? this.#turnAway(peer, event.sessionId, nowMs)
      : this.#step(peer, event, nowMs);
  }

  /** A message of the application: answered at once, or once the peer has it. */
  send(peer: PeerKey, message: Omit<SessionMessage, "seq">, nowMs: number): RegistryEffects {
    const outbox = this.find(peer)?.outbox;
    const isNew = outbox !== undefined && !isKnown(outbox, message.id);
    if (isNew && this.#isTooMuch(message))
      return [{ peer, effect: { kind: "answer", id: message.id, outcome: "full" } }];
    return this.#step(peer, { kind: "sent", message }, nowMs);
  }

  /** The application has what the peer sent, up to this number of its lineage. */
  taken(peer: PeerKey, upTo: Omit<Extract<PeerEvent, { kind: "taken" }>, "kind">, nowMs: number): RegistryEffects {
    return this.#step(peer, { kind: "taken", ...upTo }, nowMs);
  }

  /** Every session that it concerns ends, in this tick. */
  revoke(revocation: SessionRevocation, nowMs: number): RegistryEffects {
    const keys = [...this.#index.find(revokedName(revocation))];
    return keys.flatMap((key) => this.#stepOf(key, { kind: "revoked", revocation }, nowMs));
  }

  /** The peer is forgotten, whatever it has. */
  remove(peer: PeerKey, nowMs: number): RegistryEffects {
    return this.#step(peer, { kind: "ended", code: "Removed" }, nowMs);
  }

  /** Another replica is opening a session of the peer: the one that is open here ends. */
  claimed(peer: PeerKey, nowMs: number): RegistryEffects {
    return this.#step(peer, { kind: "claimed" }, nowMs);
  }

  /** The peer is another replica's from now on; with what goes there. */
  move(peer: PeerKey, nowMs: number): { readonly moved?: MovedPeer; readonly effects: RegistryEffects } {
    const entry = this.#entries.get(peerName(peer));
    const effects = this.#step(peer, { kind: "moved" }, nowMs);
    return { ...(entry && { moved: movedPeer(entry.state) }), effects };
  }

  /** What another replica had of the peer is kept, if there is room. */
  bring(peer: PeerKey, moved: MovedPeer, nowMs: number): RegistryEffects {
    if (this.#bytes + bytesIn(moved.outbox.waiting) > this.#rules.totalBytes) return [];
    const made = this.#makeRoom(peer, nowMs);
    return made === undefined ? [] : [...made, ...this.#step(peer, { kind: "brought", peer: moved }, nowMs)];
  }

  /** No session begins any more, and those that are open end at moments of chance within so long. */
  drain(withinMs: number, nowMs: number): RegistryEffects {
    this.#isDraining = true;
    return [...this.#entries.keys()].flatMap((key) => this.#stepOf(key, { kind: "draining", withinMs }, nowMs));
  }

  /** Everything ends now: whoever waits for a peer is told. */
  end(nowMs: number): RegistryEffects {
    this.#isDraining = true;
    return [...this.#entries.keys()].flatMap((key) => this.#stepOf(key, { kind: "ended", code: "Draining" }, nowMs));
  }

  /** Does what the clock says of one peer, the one whose time came first; undefined: nobody's has come. */
  lookNext(nowMs: number): RegistryEffects | undefined {
    const key = this.#queue.take(nowMs);
    if (key === undefined) return undefined;
    const entry = this.#entries.get(key);
    if (entry === undefined) return [];
    this.#entries.set(key, { ...entry, queuedAtMs: Infinity });
    return this.#step(entry.peer, { kind: "looked" }, nowMs);
  }

  /** Room for one more, made by forgetting whoever is away for longest; undefined where all are there. */
  #makeRoom(peer: PeerKey, nowMs: number): RegistryEffects | undefined {
    return this.#leaving(peer)?.flatMap((key) => this.#stepOf(key, { kind: "ended", code: "TooMany" }, nowMs));
  }

  /** Who has to be forgotten for it: nobody, or one. */
  #leaving(peer: PeerKey): readonly string[] | undefined {
    if (this.#entries.has(peerName(peer))) return [];
    const { peers, peersOfSubject } = this.#rules;
    const own = ofSubject(peer.subject);
    if (this.#index.count(own) >= peersOfSubject) return this.#firstAway((key) => this.#index.has(own, key));
    return this.#entries.size < peers ? [] : this.#firstAway(() => true);
  }

  #firstAway(fits: (key: string) => boolean): readonly string[] | undefined {
    for (const key of this.#away) if (fits(key)) return [key];
    return undefined;
  }

  /** It may come back for what it has not sent yet. */
  #turnAway(peer: PeerKey, sessionId: string, nowMs: number): RegistryEffects {
    const lost = this.#step(peer, { kind: "lost", sessionId, left: false, code: "TooMany" }, nowMs);
    if (lost.length === 0) return lost;
    return [{ peer, effect: { kind: "close", sessionId, end: retryableLater("TooMany", this.#chance()) } }, ...lost];
  }

  #isTooMuch({ payload }: Pick<SessionMessage, "payload">): boolean {
    return this.#bytes + payload.byteLength > this.#rules.totalBytes;
  }

  #ownerOf(sessionId: string): PeerKey | undefined {
    const key = this.#index.first(ofSession(sessionId));
    return key === undefined ? undefined : this.#entries.get(key)?.peer;
  }

  #stepOf(key: string, event: PeerEvent, nowMs: number): RegistryEffects {
    const entry = this.#entries.get(key);
    return entry ? this.#step(entry.peer, event, nowMs) : [];
  }

  #step(peer: PeerKey, event: PeerEvent, nowMs: number): RegistryEffects {
    const key = peerName(peer);
    const before = this.#entries.get(key);
    const { state, effects } = stepPeer(before?.state, event, { nowMs, chance: this.#chance(), rules: this.#rules });
    this.#put(key, peer, { before, state });
    if ((before === undefined) !== (state === undefined)) this.#noted(peer, state !== undefined);
    return effects.map((effect) => ({ peer, effect }));
  }

  #put(
    key: string,
    peer: PeerKey,
    { before, state }: { readonly before: PeerEntry | undefined; readonly state: PeerState | undefined },
  ): void {
    if (!goByTheSame(before?.state, state)) {
      this.#index.move(key, namesOf(peer.subject, before?.state), namesOf(peer.subject, state));
    }
    this.#bytes += waitingBytes(state) - waitingBytes(before?.state);
    this.#open += Number(state?.session !== undefined) - Number(before?.state.session !== undefined);
    const isAway = state !== undefined && state.session === undefined;
    if (!isAway) this.#away.delete(key);
    else if (!this.#away.has(key)) this.#away.add(key);
    if (state === undefined) {
      this.#entries.delete(key);
      this.#sweep();
      return;
    }
    const wakeAtMs = peerWakeAtMs(state);
    const isSooner = wakeAtMs < (before?.queuedAtMs ?? Infinity);
    if (isSooner) this.#queue.add(wakeAtMs, key);
    this.#entries.set(key, { peer, state, queuedAtMs: isSooner ? wakeAtMs : (before?.queuedAtMs ?? Infinity) });
    if (isSooner) this.#sweep();
  }

  /** Deadlines of peers that are gone, and those that count no more, stay in the queue: not more of them than of those that do. */
  #sweep(): void {
    if (this.#queue.size <= 2 * this.#entries.size) return;
    this.#queue = new DeadlineQueue();
    for (const [key, { queuedAtMs }] of this.#entries) if (queuedAtMs < Infinity) this.#queue.add(queuedAtMs, key);
  }
}

/** No subject holds the separator of this form, whatever it is called. */
export const peerName = ({ subject, instanceId }: PeerKey): string => JSON.stringify([subject, instanceId]);

const waitingBytes = (state: PeerState | undefined): number =>
  state === undefined ? 0 : bytesIn(state.outbox.waiting) + bytesIn(state.inbox.waiting);
