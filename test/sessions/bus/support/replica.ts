import { onTestFinished } from "vitest";
import { listenGrpc } from "../../../../src/grpc/listen-grpc.ts";
import { listen } from "../../../../src/http/listener.ts";
import { compileRing } from "../../../../src/jwt/verifier.ts";
import { RevokedSet } from "../../../../src/jwt/revoked-set.ts";
import type { SessionBus } from "../../../../src/sessions/bus/session-bus.ts";
import type { PeerKey, SessionDelivery, SessionNews } from "../../../../src/sessions/core/peer-state.ts";
import type { RegistryRules } from "../../../../src/sessions/core/session-registry.ts";
import { sessionsGrpc } from "../../../../src/sessions/faces/grpc/sessions-grpc.ts";
import { webSocketFace } from "../../../../src/sessions/faces/web-socket.ts";
import type { SessionObserver } from "../../../../src/sessions/session-observer.ts";
import { SessionService } from "../../../../src/sessions/session-service.ts";
import { type Clock, systemClock } from "../../../../src/time/clock.ts";
import { opened } from "../../../gateway/support/rings.ts";
import { tokenOf } from "../../../gateway/support/tokens.ts";
import type { SessionClient, Transport } from "../../faces/support/clients.ts";

const rules: RegistryRules = {
  ...{ graceMs: 25_000, keepMs: 60_000, queueMessages: 64, queueBytes: 1_048_576 },
  ...{ peers: 1000, peersOfSubject: 100, totalBytes: 64_000_000 },
};

export interface ReplicaPlan {
  readonly id: string;
  readonly bus: SessionBus;
  readonly clock?: Clock;
  readonly rules?: Partial<RegistryRules>;
  /** Added to what the clock says: those of replicas differ. */
  readonly skewMs?: number;
  /** @default nobody hears */
  readonly observer?: SessionObserver;
}

/** One of several replicas, with a real verifier and an application of its own that writes down what it hears. */
export class TestReplica {
  readonly service: SessionService;
  readonly revoked = new RevokedSet();
  readonly news: SessionNews[] = [];
  readonly deliveries: (SessionDelivery & { readonly text: string })[] = [];
  /** It takes what it hears at once. */
  takes = true;
  readonly #clock: Clock;
  readonly #ports = new Map<Transport["name"], number>();

  constructor({ id, bus, clock = systemClock, rules: other = {}, skewMs = 0, observer }: ReplicaPlan) {
    let sessions = 0;
    this.#clock = {
      ...clock,
      nowMs: () => clock.nowMs() + skewMs,
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, action) => clock.after(ms, action),
    };
    const verifier = compileRing(opened({ generation: 1 }), { revoked: this.revoked });
    this.service = new SessionService({
      verifier: () => verifier,
      required: {},
      application: {
        deliver: (peer, delivery) => {
          this.deliveries.push({ ...delivery, text: Buffer.from(delivery.message.payload).toString() });
          if (this.takes) this.take(peer, delivery);
        },
        tell: (_, news) => this.news.push(news),
      },
      rules: { ...rules, ...other },
      timings: { helloMs: 5000, heartbeatMs: 15_000 },
      ...{ clock: this.#clock, chance: () => 0.5, newId: () => `${id}-${++sessions}` },
      replica: { bus, id },
      ...(observer && { observer }),
    });
    this.revoked.listen((revocation) => this.service.revoke(revocation));
    onTestFinished(() => this.service.close());
  }

  take(peer: PeerKey, { lineage, message: { seq } }: SessionDelivery): void {
    this.service.taken(peer, { lineage, seq });
  }

  token(claims: object = {}): string {
    return tokenOf({ nowMs: this.#clock.nowMs(), claims: { jti: "t1", sid: "g1", ...claims } });
  }

  /** On both transports, until {@link cutOff}. */
  async listen(): Promise<this> {
    const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const grpc = await listenGrpc(address, { methods: sessionsGrpc(this.service) });
    const web = await listen(address, webSocketFace(this.service, { origins: [] }));
    this.#ports.set("gRPC", grpc.port).set("WebSocket", web.port);
    onTestFinished(async () => {
      this.service.close();
      await Promise.all([grpc.drain(0), web.drain(0)]);
    });
    return this;
  }

  open(transport: Transport, token = this.token()): SessionClient {
    return transport.open(this.#ports.get(transport.name) ?? 0, token);
  }
}
