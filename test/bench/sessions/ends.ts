import type { Figure } from "../figures.ts";
import { end } from "../sidecar/processes.ts";
import { percentile, timeOf } from "../times.ts";
import type { Transport } from "./bare.ts";
import { enter, leave } from "./crowd.ts";
import { startGateway } from "./gateway-program.ts";
import { doors } from "./doors.ts";

export interface EndSize {
  readonly sessions: number;
  /** Their tokens end on so many whole seconds, one after the other, and then all on one. */
  readonly spreadSeconds: number;
}

const graceSeconds = 1;

/** When each client hears that its session is over, after the end of its token and the grace. */
export async function ends(folder: string, transport: Transport, size: EndSize): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder, [`--session-grace=${graceSeconds}s`]);
  try {
    const door = { open: doors[transport], port: gateway.ports[transport] };
    const few = gateway.tokens(Math.ceil(size.sessions / 20));
    const fewMs = await timeOf(async () => leave(await enter(door, few)));
    const lateMs: number[] = [];
    const of = async (spreadSeconds: number): Promise<number> => {
      // Until then all have begun, also where the machine is slower than it was for the few
      const firstSeconds = 5 + Math.ceil((3 * 20 * fewMs) / 1000);
      const tokens = Array.from({ length: spreadSeconds }, (_, n) =>
        gateway.tokens(Math.ceil(size.sessions / spreadSeconds), firstSeconds + n),
      ).flat();
      const guests = await enter(door, tokens);
      lateMs.length = 0;
      await Promise.all(
        guests.map(async (guest, n) => {
          const closing = new Promise<void>((resolve) => {
            guest.heard = (frame) => {
              if ("closing" in frame) resolve();
            };
          });
          await closing;
          lateMs.push(Date.now() - expiryMs(tokens[n] ?? "") - graceSeconds * 1000);
        }),
      );
      // Over gRPC the stream is over, the connection stays
      leave(guests);
      return percentile(lateMs, 99);
    };
    const count = size.sessions.toLocaleString("en-US");
    const what = (how: string): string => `${transport}: end after exp and grace, ${count} within ${how}, p99`;
    return [
      { what: what(`${size.spreadSeconds} s`), unit: "ms", ours: await of(size.spreadSeconds), goal: "≤ 100 ms" },
      { what: what("one tick"), unit: "ms", ours: await of(1), goal: "≤ 100 ms" },
    ];
  } finally {
    await end(gateway.child);
  }
}

function expiryMs(token: string): number {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { exp: number };
  return claims.exp * 1000;
}
