import { generateKeyPairSync } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { type Claims, type Files, sign, type Signer, signerIn } from "../programs/app.ts";
import type { Gateway } from "../programs/gateway.ts";
import { type Expectations, JwksCopy } from "./copy.ts";
import type { Ledger, Token } from "./ledger.ts";

/** What the traffic runs over. */
export interface Parties {
  readonly side: string;
  readonly claims: Claims & Expectations;
  /** Those that are there now. */
  readonly gateways: () => readonly Gateway[];
  /** The signer's files, as an application beside a gateway has them; undefined when it must not rely on them. */
  readonly files: () => Files | undefined;
}

const mintEveryMs = 700;
const askEveryMs = 1000;
const copies = 2;
const stolenAtMost = 6;

/** Tokens of everybody who signs, shown to everybody who verifies, again and again until they end. */
export class Traffic {
  readonly #parties: Parties;
  readonly #ledger: Ledger;
  readonly #stop = new AbortController();
  readonly #asking = new Map<Gateway, Promise<void>>();
  readonly #loops: Promise<void>[] = [];
  readonly #foreign: Signer;
  #stolen: readonly Signer[] = [];
  #turn = 0;

  constructor(parties: Parties, ledger: Ledger) {
    this.#parties = parties;
    this.#ledger = ledger;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    this.#foreign = { pem, kid: "a-key-that-nobody-has" };
  }

  start(): void {
    this.#loops.push(this.#every(mintEveryMs, () => this.#mintAll()));
    this.#loops.push(this.#every(askEveryMs, async () => this.#askNewcomers()));
    for (let copy = 1; copy <= copies; copy++) {
      const name = `JWKS copy ${copy} (${this.#parties.side})`;
      const held = new JwksCopy(name, this.#parties.claims, () => this.#fetchJwks());
      this.#loops.push(this.#every(askEveryMs, () => this.#askCopy(held)));
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#loops, ...this.#asking.values()]);
  }

  /** No answer of a moment is missed by a beat that comes late. */
  async #every(ms: number, action: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const untilMs = performance.now() + ms;
      await action();
      await after(Math.max(1, untilMs - performance.now()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #mintAll(): Promise<void> {
    const running = this.#parties.gateways().filter((gateway) => gateway.isRunning);
    await Promise.all(running.map((gateway) => this.#mintAt(gateway)));
    const files = this.#parties.files();
    const signer = files && signerIn(files);
    if (signer) {
      this.#ledger.minted({ ...(await sign(signer, this.#parties.claims)), minter: "the application" });
      if (!this.#stolen.some(({ kid }) => kid === signer.kid)) this.#stolen = [...this.#stolen, signer];
    }
    await this.#steal();
  }

  async #mintAt(gateway: Gateway): Promise<void> {
    const reply = await gateway.mint();
    if (reply?.status !== 200) {
      this.#ledger.numbers.notMinted += 1;
      return;
    }
    const { token: text } = JSON.parse(reply.body) as { token: string };
    const { kid = "" } = decodeProtectedHeader(text);
    const { iat = 0, exp = 0 } = decodeJwt(text);
    const { name: minter } = gateway;
    this.#ledger.minted({ text, kid, minter, mintedAtMs: iat * 1000, endsAtMs: exp * 1000 });
  }

  /** Whoever stole a key signs on with it after it was revoked. */
  async #steal(): Promise<void> {
    const revoked = this.#stolen.filter(({ kid }) => this.#ledger.isRevoked(kid));
    this.#stolen = [
      ...this.#stolen.filter((one) => !revoked.includes(one)).slice(-stolenAtMost),
      ...revoked.slice(-stolenAtMost),
    ];
    for (const signer of revoked.slice(-2))
      this.#ledger.minted({ ...(await sign(signer, this.#parties.claims)), minter: "a thief" });
  }

  /** Each gateway is asked by a loop of its own: one that stands still holds up nobody else. */
  #askNewcomers(): void {
    for (const gateway of this.#parties.gateways()) {
      if (this.#asking.has(gateway)) continue;
      this.#asking.set(gateway, this.#askUntilGone(gateway));
    }
    for (const gateway of this.#asking.keys()) if (!this.#isThere(gateway)) this.#asking.delete(gateway);
  }

  #isThere(gateway: Gateway): boolean {
    return this.#parties.gateways().includes(gateway);
  }

  async #askUntilGone(gateway: Gateway): Promise<void> {
    while (!this.#stop.signal.aborted && this.#isThere(gateway)) {
      const untilMs = performance.now() + askEveryMs;
      for (const token of this.#ledger.tokens) if (gateway.isRouted) await this.#ask(gateway, token);
      if (gateway.isRouted) await this.#askForeign(gateway);
      const rest = Math.max(10, untilMs - performance.now());
      await after(rest, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #ask(gateway: Gateway, token: Token): Promise<void> {
    const { starts } = gateway;
    const askedAtMs = Date.now();
    if (askedAtMs > token.endsAtMs) return;
    const status = await gateway.verify(token.text);
    const answeredAtMs = Date.now();
    const times = { by: gateway.name, askedAtMs, answeredAtMs };
    if (status === 200) this.#ledger.answered(token, { ...times, says: "accepts" });
    else if (status === 401) {
      const isNews = !this.#ledger.isRevoked(token.kid) && answeredAtMs < token.endsAtMs;
      const why = isNews ? `start ${starts}, its metrics: ${await gateway.reasons()}` : "";
      this.#ledger.answered(token, { ...times, says: "refuses", why });
    } else this.#ledger.unanswered();
  }

  async #askForeign(gateway: Gateway): Promise<void> {
    const { text } = await sign(this.#foreign, this.#parties.claims);
    const status = await gateway.verify(text);
    if (status === 200 || status === 401) this.#ledger.foreign(gateway.name, status === 200 ? "accepts" : "refuses");
  }

  async #fetchJwks() {
    const routed = this.#parties.gateways().filter((gateway) => gateway.isRouted);
    this.#turn += 1;
    return routed[this.#turn % Math.max(1, routed.length)]?.jwks();
  }

  async #askCopy(copy: JwksCopy): Promise<void> {
    if (!(await copy.refresh())) return;
    for (const token of this.#ledger.tokens) this.#ledger.answered(token, await copy.verify(token));
  }
}
