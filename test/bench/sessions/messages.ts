import { setImmediate as turn } from "node:timers/promises";
import type { Figure } from "../figures.ts";
import { cpuSeconds, end } from "../sidecar/processes.ts";
import { percentile } from "../times.ts";
import { attach } from "./application.ts";
import { startBare, type Transport } from "./bare.ts";
import { type Door, enter, type Guest } from "./crowd.ts";
import { startGateway } from "./gateway-program.ts";
import { doors } from "./doors.ts";

export interface MessageSize {
  readonly sessions: number;
  readonly ratePerSecond: number;
  readonly forMs: number;
}

const payload = Buffer.alloc(200, "x");

/** Messages at their times over sessions in turn, whether or not those before came back: from the client to the application and back. */
export async function messages(folder: string, transport: Transport, size: MessageSize): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder);
  const bare = await startBare(transport);
  const detach = await attach(gateway.hub);
  try {
    const tokens = gateway.tokens(size.sessions);
    const of = async (port: number, child: typeof bare.child) => {
      const door: Door = { open: doors[transport], port };
      const talkers = (await enter(door, tokens)).map((guest) => new Talker(guest, transport));
      await openLoop(talkers, { ...size, forMs: size.forMs / 4 });
      const before = await cpuSeconds(child);
      const tookMs = await openLoop(talkers, size);
      const cpu = Math.max((await cpuSeconds(child)) - before, 0.01);
      return { p50: percentile(tookMs, 50), p99: percentile(tookMs, 99), ofCpu: tookMs.length / cpu };
    };
    const theirs = await of(bare.port, bare.child);
    const ours = await of(gateway.ports[transport], gateway.child);
    const name = `a bare ${transport === "gRPC" ? "grpc-js" : "ws"} echo`;
    const rate = `${size.ratePerSecond.toLocaleString("en-US")} a second`;
    return [
      {
        what: `${transport}: message to the application and back, ${rate}, p50`,
        ...{ unit: "ms", ours: ours.p50, baseline: { name, value: theirs.p50 } },
      },
      {
        what: `${transport}: the same, p99`,
        ...{ unit: "ms", ours: ours.p99, baseline: { name, value: theirs.p99 } },
      },
      {
        what: `${transport}: messages there and back`,
        ...{ unit: "a CPU second", ours: ours.ofCpu, baseline: { name, value: theirs.ofCpu } },
      },
    ];
  } finally {
    detach();
    await Promise.all([end(gateway.child), end(bare.child)]);
  }
}

/** Confirms all that comes. */
class Talker {
  readonly #guest: Guest;
  readonly #payload: string | Buffer;
  readonly #dueMs = new Map<string, number>();
  #seq = 0;
  /** Milliseconds since each was due. */
  tookMs: number[] = [];

  constructor(guest: Guest, transport: Transport) {
    this.#guest = guest;
    this.#payload = transport === "gRPC" ? payload : payload.toString("base64");
    guest.heard = ({ message }) => {
      if (!message) return;
      const id = String(message["id"]).replace("back ", "");
      this.tookMs.push(performance.now() - (this.#dueMs.get(id) ?? 0));
      this.#dueMs.delete(id);
      guest.line.say({ received: { seq: message["seq"] } });
    };
    guest.ended = () => {
      if (this.#dueMs.size > 0) throw new Error("Cannot go on: a session has ended before its messages came back");
    };
  }

  say(dueMs: number): void {
    const seq = ++this.#seq;
    const id = `m${seq}`;
    this.#dueMs.set(id, dueMs);
    this.#guest.line.say({ message: { seq, id, payload: this.#payload } });
  }
}

async function openLoop(
  talkers: readonly Talker[],
  { ratePerSecond, forMs }: Pick<MessageSize, "ratePerSecond" | "forMs">,
): Promise<readonly number[]> {
  for (const talker of talkers) talker.tookMs = [];
  const [startMs, count] = [performance.now(), Math.ceil((ratePerSecond * forMs) / 1000)];
  const back = (): number => talkers.reduce((sum, { tookMs }) => sum + tookMs.length, 0);
  for (let sent = 0; sent < count || back() < count;) {
    for (; sent < count && startMs + (sent * 1000) / ratePerSecond <= performance.now(); sent++) {
      talkers[sent % talkers.length]?.say(startMs + (sent * 1000) / ratePerSecond);
    }
    await turn();
  }
  return talkers.flatMap(({ tookMs }) => tookMs);
}
