import { LineProcess } from "./line-process.ts";
import type { Answer, Verifier } from "./verifier.ts";

/** What the signer process prints for each token. */
export interface Token {
  readonly token: string;
  readonly kid: string;
  readonly algorithm: string;
  readonly expiresAtMs: number;
}

/** A valid token that was refused: what must never be. */
export interface Refusal {
  readonly verifier: string;
  /** Who refused what, when and why, for people. */
  readonly text: string;
}

interface Tally {
  /** Valid tokens that were found valid. */
  valid: number;
  /** Of these, in the last 500 ms of their lives. */
  nearTheEnd: number;
  /** Answered after the token had ended: says nothing. */
  late: number;
  /** Tokens of a key that was revoked meanwhile. */
  revoked: number;
}

/** Parts of a token's life at which it is presented, beside at once and at the end. */
const portions = [0.3, 0.65];
/** Before `exp`, in milliseconds: as late as a verifier on a busy machine can still be asked. */
const lastMoments = [400, 150, 60];

/**
 * Every token that the signers make is presented to every verifier, at once and again and again until just before it
 * ends. A verdict counts when the token was valid at the time of the verdict by the verifier's own clock.
 */
export class Traffic {
  readonly #signers: readonly LineProcess[];
  readonly #verifiers: readonly Verifier[];
  readonly #tallies: ReadonlyMap<string, Tally>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #open = new Set<Promise<void>>();
  readonly refusals: Refusal[] = [];
  readonly failures: unknown[] = [];
  /** The newest token of each key. */
  readonly lastOf = new Map<string, Token>();
  readonly #revoked = new Set<string>();
  #arrived: (() => void)[] = [];
  minted = 0;

  constructor(signers: readonly (readonly [command: string, ...args: string[]])[], verifiers: readonly Verifier[]) {
    this.#verifiers = verifiers;
    this.#tallies = new Map(verifiers.map(({ name }) => [name, { valid: 0, nearTheEnd: 0, late: 0, revoked: 0 }]));
    this.#signers = signers.map(
      ([command, ...args]) => new LineProcess(command, args, (line) => this.#take(JSON.parse(line) as Token)),
    );
    for (const signer of this.#signers) void this.#guard(signer);
  }

  tally(verifier: string): Readonly<Tally> {
    return this.#tallies.get(verifier) ?? { valid: 0, nearTheEnd: 0, late: 0, revoked: 0 };
  }

  /** From now on a refusal of this key's tokens is right. */
  condemn(kid: string): void {
    this.#revoked.add(kid);
  }

  /** Resolves with the next token that fits. */
  async next(fits: (token: Token) => boolean, withinMs = 120_000): Promise<Token> {
    const deadline = AbortSignal.timeout(withinMs);
    let seen = this.minted;
    for (;;) {
      const newest = [...this.lastOf.values()].at(-1);
      if (this.minted > seen && newest && fits(newest)) return newest;
      seen = this.minted;
      if (deadline.aborted || this.failures.length > 0) throw new Error(`No such token within ${withinMs} ms`);
      await new Promise<void>((resolve) => {
        this.#arrived.push(resolve);
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** No more tokens; resolves when every answer is there. */
  async end(): Promise<void> {
    for (const signer of this.#signers) await signer.end("SIGKILL");
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#open);
  }

  /** Nobody but {@link end} may end a signer. */
  async #guard({ ended }: LineProcess): Promise<void> {
    const { code, stderr } = await ended;
    if (code !== null) this.failures.push(new Error(`A signer ended (${code}):\n${stderr}`));
  }

  #take(token: Token): void {
    this.minted++;
    // Re-inserted, so that the newest is the last
    this.lastOf.delete(token.kid);
    this.lastOf.set(token.kid, token);
    for (const resolve of this.#arrived.splice(0)) resolve();
    const leftMs = token.expiresAtMs - Date.now();
    const delays = [0, ...portions.map((part) => part * leftMs), ...lastMoments.map((ms) => leftMs - ms)];
    for (const delayMs of delays.filter((ms) => ms >= 0)) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        for (const verifier of this.#verifiers) this.#present(token, verifier);
      }, delayMs);
      this.#timers.add(timer);
    }
  }

  #present(token: Token, verifier: Verifier): void {
    const asked = verifier.ask(token.token).then(
      (answer) => this.#judge(token, verifier.name, answer),
      (error: unknown) => void this.failures.push(error),
    );
    this.#open.add(asked);
    void asked.finally(() => this.#open.delete(asked));
  }

  #refused(verifier: string, of: { kid: string; leftMs: number; verdict: string; at: string }): void {
    const text = `${of.at} ${verifier}: ${of.verdict}, token of ${of.kid.slice(0, 8)} with ${Math.round(of.leftMs)} ms left`;
    this.refusals.push({ verifier, text });
  }

  /** How many valid tokens this verifier refused, and the first few of them. */
  refusedBy(verifier: string): { readonly count: number; readonly first: readonly string[] } {
    const refusals = this.refusals.filter((refusal) => refusal.verifier === verifier);
    return { count: refusals.length, first: refusals.slice(0, 5).map(({ text }) => text) };
  }

  #judge({ kid, expiresAtMs }: Token, verifier: string, { verdict, atMs }: Answer): void {
    const tally = this.#tallies.get(verifier);
    if (!tally) return;
    const leftMs = expiresAtMs - atMs;
    if (verdict === "valid") {
      tally.valid++;
      if (leftMs <= 500) tally.nearTheEnd++;
    } else if (this.#revoked.has(kid)) tally.revoked++;
    else if (leftMs <= 0) tally.late++;
    else this.#refused(verifier, { kid, leftMs, verdict, at: new Date(atMs).toISOString() });
  }
}
