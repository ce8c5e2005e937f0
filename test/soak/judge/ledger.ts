import { clock } from "./clock.ts";
import type { Diary } from "./diary.ts";
import { Takeovers } from "./takeovers.ts";

/** A token as the judge remembers it: what it says, who made it, and until when it is good. */
export interface Token {
  readonly id: number;
  readonly text: string;
  readonly kid: string;
  readonly minter: string;
  readonly mintedAtMs: number;
  readonly endsAtMs: number;
}

/** One question and its answer. */
export interface Answer {
  /** A gateway, or a copy of the JWKS. */
  readonly by: string;
  readonly says: "accepts" | "refuses";
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  /** Of a copy of the JWKS: when it was asked for, and of whom. */
  readonly copied?: { readonly atMs: number; readonly from: string };
  readonly why?: string;
}

export type Wrong =
  | "valid refused"
  | "revoked accepted after its own ack"
  | "revoked accepted after all acks"
  | "foreign accepted"
  | "more than one signer"
  | "not healthy again";

interface Revocation {
  readonly askedAtMs: number;
  /** When the judge saw a gateway's acknowledgement of it. */
  readonly acked: Map<string, number>;
  allAckedAtMs: number;
  lastAcceptedAtMs: number | undefined;
}

export interface Numbers {
  minted: number;
  verifications: number;
  rightlyRefused: number;
  /** Of keys that had to take over before everybody knew them. */
  tooEarly: number;
  unanswered: number;
  notMinted: number;
  mostSigners: number;
}

/** A token that is about to end may be refused: an answer takes a while. */
const aboutToEndMs = 500;
const mostStories = 30;
/** Of one kind within a minute: the others have the same story. */
const mostAlike = 2;

/**
 * What is valid, by the judge's own books: a token is good from when it was handed out until its `exp`, unless somebody asked
 * to revoke its kid. It reads no ring, and nothing of it is Keyturn's code.
 */
export class Ledger {
  readonly numbers: Numbers = {
    ...{ minted: 0, verifications: 0, rightlyRefused: 0, tooEarly: 0, unanswered: 0, notMinted: 0, mostSigners: 0 },
  };
  readonly wrongs = new Map<Wrong, number>();
  readonly stories: string[] = [];
  readonly #alike = new Map<string, number>();
  readonly #diary: Diary;
  readonly #revoked = new Map<string, Revocation>();
  readonly #takeovers = new Takeovers((kid) => this.#revoked.has(kid));
  #tokens: readonly Token[] = [];
  #lastId = 0;

  constructor(diary: Diary) {
    this.#diary = diary;
  }

  /** Books a token that somebody handed out. */
  minted(token: Omit<Token, "id">): Token {
    const booked = { ...token, id: ++this.#lastId };
    this.#tokens = [...this.#tokens.filter(({ endsAtMs }) => endsAtMs > Date.now()), booked];
    this.numbers.minted += 1;
    if (!this.isRevoked(token.kid)) this.#takeovers.minted(token.kid);
    return booked;
  }

  /** Those that have not ended. */
  get tokens(): readonly Token[] {
    const nowMs = Date.now();
    return this.#tokens.filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  /** Somebody is about to ask for the revocation: from now on nobody has to accept it. */
  revoking(kid: string): void {
    if (this.#revoked.has(kid)) return;
    const revocation = { askedAtMs: Date.now(), acked: new Map(), allAckedAtMs: Infinity, lastAcceptedAtMs: undefined };
    this.#revoked.set(kid, revocation);
  }

  isRevoked(kid: string): boolean {
    return this.#revoked.has(kid);
  }

  /** A person is about to ask for a recovery. */
  recovering(): void {
    this.#takeovers.recovering();
  }

  /** An acknowledgement of this gateway was seen: these kids, and no other, does it accept. */
  acknowledged(gateway: string, verifies: readonly string[]): void {
    this.#takeovers.acknowledged(gateway, verifies);
    for (const [kid, { acked }] of this.#revoked)
      if (!acked.has(gateway) && !verifies.includes(kid)) acked.set(gateway, Date.now());
  }

  /** The rotation says that every gateway acknowledged the revocation. */
  acknowledgedByAll(kid: string): void {
    const revocation = this.#revoked.get(kid);
    if (revocation) revocation.allAckedAtMs = Math.min(revocation.allAckedAtMs, Date.now());
  }

  /** How many keys were seen that sign at once. */
  signers(count: number, where: string): void {
    this.numbers.mostSigners = Math.max(this.numbers.mostSigners, count);
    if (count > 1) this.wrong("more than one signer", `${where} has ${count} keys that sign`);
  }

  unanswered(): void {
    this.numbers.unanswered += 1;
  }

  answered(token: Token, answer: Answer): void {
    this.numbers.verifications += 1;
    const revocation = this.#revoked.get(token.kid);
    if (revocation === undefined) this.#onValid(token, answer);
    else this.#onRevoked(token, answer, revocation);
  }

  #onValid(token: Token, answer: Answer): void {
    if (answer.says === "accepts" || answer.answeredAtMs > token.endsAtMs - aboutToEndMs) return;
    const { by, copied, askedAtMs } = answer;
    if (this.#takeovers.mayBeUnknown(token.kid, copied?.from ?? by, copied?.atMs ?? askedAtMs))
      this.numbers.tooEarly += 1;
    else this.wrong("valid refused", tell(token, answer));
  }

  #onRevoked(token: Token, answer: Answer, revocation: Revocation): void {
    const { by, says, copied, askedAtMs, answeredAtMs } = answer;
    const asOfMs = copied?.atMs ?? askedAtMs;
    if (says === "refuses") {
      this.numbers.rightlyRefused += 1;
      return;
    }
    const ackedAtMs = revocation.acked.get(by);
    if (revocation.allAckedAtMs < asOfMs) {
      const when = `acknowledged by all since ${clock(revocation.allAckedAtMs)}`;
      this.wrong("revoked accepted after all acks", `${tell(token, answer)}; ${when}`);
    } else if (ackedAtMs !== undefined && ackedAtMs < asOfMs)
      this.wrong("revoked accepted after its own ack", `${tell(token, answer)}; acknowledged at ${clock(ackedAtMs)}`);
    if (copied === undefined) revocation.lastAcceptedAtMs = Math.max(answeredAtMs, revocation.lastAcceptedAtMs ?? 0);
  }

  /** A token of a key that no ring has ever had. */
  foreign(by: string, says: Answer["says"]): void {
    this.numbers.verifications += 1;
    if (says === "accepts") this.wrong("foreign accepted", `${by} accepts a token of a key that nobody has`);
    else this.numbers.rightlyRefused += 1;
  }

  wrong(what: Wrong, text: string): void {
    this.wrongs.set(what, (this.wrongs.get(what) ?? 0) + 1);
    const nowMs = Date.now();
    const alike = `${what} ${Math.floor(nowMs / 60_000)}`;
    const count = (this.#alike.get(alike) ?? 0) + 1;
    this.#alike.set(alike, count);
    if (count > mostAlike || this.stories.length >= mostStories) return;
    this.stories.push(`${clock(nowMs)} ${what}: ${text}\n${this.#diary.around(nowMs)}`);
  }

  get revocations(): number {
    return this.#revoked.size;
  }

  /** The longest time from asking to revoke a key to the last time that a gateway accepted it. */
  get longestRevocationMs(): number {
    const times = [...this.#revoked.values()].map((one) => (one.lastAcceptedAtMs ?? one.askedAtMs) - one.askedAtMs);
    return Math.max(0, ...times);
  }
}

function tell({ id, kid, minter, mintedAtMs, endsAtMs }: Token, { by, says, askedAtMs, why }: Answer): string {
  const life = `minted by ${minter} at ${clock(mintedAtMs)}, good until ${clock(endsAtMs)}`;
  return `${by}, asked at ${clock(askedAtMs)}, ${says} token ${id} (kid ${kid}, ${life})${why === undefined ? "" : `: ${why}`}`;
}
