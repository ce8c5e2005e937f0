import type { Gateway } from "../../../sessions/faces/support/gateway.ts";
import { turn } from "../../../support/fake-clock.ts";
import { alice, keeperOf, type Issuer, Kept, placeOf, type Transport } from "./kept.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** What has become of each message; by id. */
export interface Fates {
  /** Of the client: how often it was in doubt, and sent again. */
  readonly doubts: Map<string, number>;
  readonly confirmed: Set<string>;
  /** Of the application: how often it was gone or full, and sent again. */
  readonly delivered: Set<string>;
}

/** One client and its gateway, with messages both ways, while everything happens to them that may. */
export class Storm {
  readonly fates: Fates = { doubts: new Map(), confirmed: new Set(), delivered: new Set() };
  readonly gateways: Gateway[] = [];
  readonly kept: Kept;
  readonly proxy: TcpProxy;
  readonly #issuer: Issuer;
  readonly #begin: () => Promise<Gateway>;
  #pending = 0;
  #count = 0;
  /** Nobody may be told that it failed for another reason. */
  readonly flaws: unknown[] = [];

  private constructor(parts: Pick<Storm, "kept" | "proxy"> & { issuer: Issuer; begin: () => Promise<Gateway> }) {
    this.kept = parts.kept;
    this.proxy = parts.proxy;
    this.#issuer = parts.issuer;
    this.#begin = parts.begin;
  }

  static async over(transport: Transport, begin: () => Promise<Gateway>, chance: () => number): Promise<Storm> {
    const gateway = await begin();
    const issuer = await keeperOf(gateway, 120);
    const proxy = await TcpProxy.to(gateway.port);
    const options = { ...placeOf(transport, proxy.port), keeper: issuer.keeper, instanceId: "one" };
    const kept = new Kept(gateway.clock, options, chance);
    const storm = new Storm({ kept, proxy, issuer, begin });
    storm.gateways.push(gateway);
    return storm;
  }

  get #gateway(): Gateway {
    const gateway = this.gateways.at(-1);
    if (gateway === undefined) throw new Error("there is none");
    return gateway;
  }

  /** The client sends, and sends again what is in doubt. */
  up(): void {
    const id = `u${++this.#count}`;
    this.#pending++;
    void (async () => {
      for (;;) {
        try {
          await this.kept.client.send(`text of ${id}`, { id });
          break;
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "InDoubt")) this.flaws.push(error);
          this.fates.doubts.set(id, (this.fates.doubts.get(id) ?? 0) + 1);
        }
      }
      this.fates.confirmed.add(id);
      this.#pending--;
    })();
  }

  /** The application sends, and sends again what was not delivered. */
  down(): void {
    const message = { id: `d${++this.#count}`, payload: Buffer.from("down") };
    this.#pending++;
    void (async () => {
      while ((await this.#gateway.service.send(alice, message)) !== "delivered") await turn();
      this.fates.delivered.add(message.id);
      this.#pending--;
    })();
  }

  /** The gateway is gone, with all that it knew, and another one is there. */
  async restart(): Promise<void> {
    const old = this.#gateway;
    const next = await this.#begin();
    next.named = `session-${this.gateways.length}`;
    await next.clock.advance(old.clock.nowMs() - next.clock.nowMs());
    this.gateways.push(next);
    this.proxy.target = next.port;
    this.proxy.cut();
    old.service.close();
  }

  /** On all clocks; the first one is also that of the client, its keeper and its issuer. */
  async pass(ms: number): Promise<void> {
    for (const { clock } of this.gateways) await clock.advance(ms);
    await this.#issuer.quiet();
    await turn();
  }

  /** Nothing more goes wrong: resolves when nobody waits for anything. */
  async calm(): Promise<void> {
    this.proxy.breaks = () => false;
    while (this.#pending > 0) await this.pass(500);
  }
}
