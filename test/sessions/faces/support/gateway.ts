import { onTestFinished } from "vitest";
import { RingMemory } from "../../../../src/holder/ring-memory.ts";
import { newHolder } from "../../../../src/holder/state.ts";
import { listenGrpc } from "../../../../src/grpc/listen-grpc.ts";
import { listen } from "../../../../src/http/listener.ts";
import { RevokedSet } from "../../../../src/jwt/revoked-set.ts";
import type { PeerKey, SessionNews } from "../../../../src/sessions/core/peer-state.ts";
import type { RegistryRules } from "../../../../src/sessions/core/session-registry.ts";
import { endRevoked } from "../../../../src/sessions/end-revoked.ts";
import { sessionsGrpc } from "../../../../src/sessions/faces/grpc/sessions-grpc.ts";
import { webSocketFace } from "../../../../src/sessions/faces/web-socket.ts";
import { type SessionApplication, SessionService } from "../../../../src/sessions/session-service.ts";
import { opened, type RingPlan } from "../../../gateway/support/rings.ts";
import { tokenOf } from "../../../gateway/support/tokens.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { epoch } from "../../../support/story.ts";
import { overGrpc, overWebSocket, type SessionClient, type Transport } from "./clients.ts";

const rules: RegistryRules = {
  ...{ graceMs: 25_000, keepMs: 60_000, queueMessages: 64, queueBytes: 1_048_576 },
  ...{ peers: 1000, peersOfSubject: 100, totalBytes: 64_000_000 },
};

interface Delivery {
  readonly peer: PeerKey;
  readonly lineage: string;
  readonly seq: number;
  readonly text: string;
}

/** Sessions with a real ring, a real verifier and real connections; time alone is driven. */
export class Gateway {
  readonly clock = new FakeClock(epoch);
  readonly revoked = new RevokedSet();
  readonly memory: RingMemory;
  readonly service: SessionService;
  readonly news: SessionNews[] = [];
  readonly deliveries: Delivery[] = [];
  /** Every token that was ever made. */
  readonly tokens: string[] = [];
  /** It takes what it hears at once. */
  takes = true;
  /** How the ids of its sessions begin: of no two gateways are they the same. */
  named = "session";
  /** While no token can be judged. */
  isReady = true;
  port = 0;
  readonly #transport: Transport;
  #generation = 1;
  #sessions = 0;
  #waiting: (() => void)[] = [];

  private constructor(transport: Transport, other: Partial<RegistryRules>, application?: SessionApplication) {
    this.#transport = transport;
    const observer = { swapped: () => undefined, changed: () => undefined };
    const { clock, revoked } = this;
    const setup = { acks: "off", fenced: false } as const;
    this.memory = new RingMemory({ clock, revoked, observer, newId: () => "" }, newHolder(setup, undefined, 0));
    this.showsRing({});
    this.service = new SessionService({
      verifier: () => (this.isReady ? this.memory.verifier : undefined),
      required: {},
      application: application ?? {
        deliver: (peer, { lineage, message: { seq, payload } }) => {
          this.deliveries.push({ peer, lineage, seq, text: Buffer.from(payload).toString() });
          if (this.takes) this.service.taken(peer, { lineage, seq });
          this.#look();
        },
        tell: (_, news) => {
          this.news.push(news);
          this.#look();
        },
      },
      rules: { ...rules, ...other },
      timings: { helloMs: 5000, heartbeatMs: 15_000 },
      ...{ clock, chance: () => 0.5, newId: () => `${this.named}-${++this.#sessions}` },
    });
    onTestFinished(endRevoked(this.service, { memory: this.memory, revoked }));
  }

  /** @param application - @default one that remembers what it hears */
  static async serving(
    transport: Transport,
    other: Partial<RegistryRules> = {},
    application?: SessionApplication,
  ): Promise<Gateway> {
    const gateway = new Gateway(transport, other, application);
    const { service } = gateway;
    const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const listener =
      transport.name === "gRPC"
        ? await listenGrpc(address, { methods: sessionsGrpc(service) })
        : await listen(address, webSocketFace(service, { origins: ["https://app.example"] }));
    onTestFinished(async () => {
      service.close();
      await listener.drain(0);
    });
    gateway.port = listener.port;
    return gateway;
  }

  showsRing(plan: Omit<RingPlan, "generation">): void {
    const generation = this.#generation++;
    this.memory.dispatch({ type: "shown", source: "mount", ring: opened({ generation, ...plan }) });
  }

  /** For half an hour, or whatever the claims say. */
  token(claims: object = {}, signer = 0): string {
    const token = tokenOf({ signer, nowMs: this.clock.nowMs(), claims });
    this.tokens.push(token);
    return token;
  }

  /** In seconds. */
  ending(inSeconds: number): { exp: number; iat: number } {
    const nowSeconds = Math.floor(this.clock.nowMs() / 1000);
    return { iat: nowSeconds, exp: nowSeconds + inSeconds };
  }

  open(token = this.token()): SessionClient {
    return this.#transport.open(this.port, token);
  }

  renew(sessionId: string, token: string): ReturnType<Transport["renew"]> {
    return this.#transport.renew(this.port, sessionId, token);
  }

  /** Resolves when it holds; looked at whenever something is heard. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #look(): void {
    for (const look of this.#waiting.splice(0)) look();
  }
}

export const transports: readonly Transport[] = [overGrpc, overWebSocket];
