import * as grpc from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { TokenKeeper } from "../../../../src/client/index.ts";
import {
  grpcTransport,
  type ReceivedMessage,
  SessionClient,
  type SessionOptions,
  type SessionState,
} from "../../../../src/client/sessions.ts";
import type { Clock } from "../../../../src/time/clock.ts";
import { type FakeClock, turn } from "../../../support/fake-clock.ts";
import { json, type Reply, scriptServer, type ScriptServer } from "../../../kube/support/script-server.ts";
import { type Gateway, transports } from "../../../sessions/faces/support/gateway.ts";

export { transports };
export type Transport = (typeof transports)[number];

export const alice = { subject: "alice", instanceId: "one" };
export const toAlice = (id: string) => ({ id, payload: Buffer.from(`text of ${id}`) });

/** A session client whose clock and chance are driven, and what it has told. */
export class Kept {
  readonly client: SessionClient;
  readonly states: SessionState[] = [];
  readonly got: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, options: SessionOptions, chance: () => number = () => 0.5) {
    class Driven extends SessionClient {
      protected override get clock(): Clock {
        return clock;
      }

      protected override get chance(): () => number {
        return chance;
      }
    }
    const { onMessage } = options;
    this.client = new Driven({
      ...options,
      onState: (state) => {
        this.states.push(state);
        this.#look();
      },
      onMessage: async (message: ReceivedMessage) => {
        await onMessage?.(message);
        if (!message.id.startsWith(pingPrefix)) this.got.push(message.id);
        this.#look();
      },
    });
    onTestFinished(() => this.client.close({ withinMs: 0 }));
  }

  get sessionId(): string {
    const { state } = this.client;
    return "sessionId" in state ? state.sessionId : "";
  }

  /** Resolves when it holds; looked at whenever something is told. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** Its newest state is of this kind. */
  async is<Kind extends SessionState["kind"]>(kind: Kind): Promise<Extract<SessionState, { kind: Kind }>> {
    let found: Extract<SessionState, { kind: Kind }> | undefined;
    const isOf = (state: SessionState): state is Extract<SessionState, { kind: Kind }> => state.kind === kind;
    await this.until(() => {
      const { state } = this.client;
      if (isOf(state)) found = state;
      return found !== undefined;
    });
    if (found === undefined) throw new Error("unreachable");
    return found;
  }

  /** A session that is not this one is open. */
  async isAnother(than: string): Promise<void> {
    await this.until(() => this.client.state.kind === "open" && this.sessionId !== than);
  }

  #look(): void {
    for (const look of this.#waiting.splice(0)) look();
  }
}

/** What a client of this transport needs to know of a gateway. */
export const placeOf = (transport: Transport, port: number): Pick<SessionOptions, "url" | "transport"> =>
  transport.name === "gRPC"
    ? { url: `http://127.0.0.1:${port}`, transport: grpcTransport(grpc) }
    : { url: `ws://127.0.0.1:${port}` };

export interface Issuer extends ScriptServer {
  readonly keeper: TokenKeeper;
  /** Resolves when nothing is asked for any more. */
  quiet(): Promise<void>;
}

/** A real keeper, whose issuer gives tokens of the gateway's keys. @param reply - What it says instead, while there is something */
export async function keeperOf(
  gateway: Gateway,
  seconds: number,
  reply: () => Reply | undefined = () => undefined,
): Promise<Issuer> {
  const { clock } = gateway;
  class Keeper extends TokenKeeper {
    protected override get clock(): FakeClock {
      return clock;
    }
  }
  let count = 0;
  const give: Reply = (response, call) => {
    const access_token = gateway.token({ ...gateway.ending(seconds), jti: `t${++count}` });
    const answer = json(200, { access_token, token_type: "Bearer", expires_in: seconds });
    (reply() ?? answer)(response, call);
  };
  const issuer = await scriptServer([give]);
  const asking = new Set<Promise<unknown>>();
  const asked = async (...request: Parameters<typeof fetch>): Promise<Response> => {
    const answer = await fetch(...request);
    return new Response(await answer.text(), { status: answer.status, headers: answer.headers });
  };
  const keeper = new Keeper({
    tokenURL: `${issuer.server}/oauth2/token`,
    credential: { kind: "client", clientId: "orders", secret: "a secret" },
    fetch: (...request) => {
      const answer = asked(...request).finally(() => asking.delete(answer));
      asking.add(answer);
      return answer;
    },
  });
  onTestFinished(() => keeper.close());
  const quiet = async (): Promise<void> => {
    while (asking.size > 0) await Promise.allSettled(asking);
    await turn();
  };
  return { ...issuer, keeper, quiet };
}

/**
 * Lets time pass beside real connections: whoever has something to say gets it said in between.
 *
 * @param isOpen - Whether the gateway and the client hear each other
 */
export async function pass(ms: number, { gateway, issuer, isOpen = () => true }: Passing): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    await gateway.clock.advance(Math.min(stepMs, left));
    await issuer?.quiet();
    // Not before the client has answered, which it does in its order
    if (isOpen()) await gateway.service.send(alice, toAlice(`${pingPrefix}${++pings}`));
  }
}

interface Passing {
  readonly gateway: Gateway;
  readonly issuer?: Issuer;
  readonly isOpen?: () => boolean;
}

const stepMs = 10_000;
const pingPrefix = "ping ";
let pings = 0;
