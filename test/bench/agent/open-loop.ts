import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Address } from "../../../src/http/address.ts";
import { connectTo } from "./agent-process.ts";

export interface OpenLoop {
  readonly ratePerSecond: number;
  readonly forMs: number;
}

/** More than are ever under way, unless it hangs: then who is due waits for one, and that counts. */
const connections = 64;

/**
 * Sends the request at its times, whether or not the answers before it came; returns how long each took in milliseconds, from when it was due. It never
 * sleeps: a timer would be late by more than an answer takes.
 */
export async function openLoop(
  address: Address,
  request: string,
  { ratePerSecond, forMs }: OpenLoop,
): Promise<readonly number[]> {
  const tookMs: number[] = [];
  const idle: Socket[] = [];
  const all = Array.from({ length: connections }, () => connectTo(address));
  const dueOf = new Map<Socket, number>();
  for (const socket of all) {
    await once(socket, "connect");
    socket.setNoDelay(true);
    socket.on("data", (answer: Buffer) => {
      const text = answer.toString("latin1");
      if (!isWhole(text)) socket.destroy(new Error(text.slice(0, 64)));
      tookMs.push(performance.now() - (dueOf.get(socket) ?? 0));
      idle.push(socket);
    });
    idle.push(socket);
  }
  const [startMs, count] = [performance.now(), Math.ceil((ratePerSecond * forMs) / 1000)];
  const dueMs = (n: number): number => startMs + (n * 1000) / ratePerSecond;
  let sent = 0;
  while (tookMs.length < count) {
    while (sent < count && dueMs(sent) <= performance.now()) {
      const socket = idle.pop();
      if (socket === undefined) break;
      dueOf.set(socket, dueMs(sent));
      sent += 1;
      socket.write(request);
    }
    await turn();
  }
  for (const socket of all) socket.destroy();
  return tookMs;
}

/** An answer of 200 that came in one piece. */
function isWhole(text: string): boolean {
  const [, length] = /^HTTP\/1\.1 200 [^]*?\r\ncontent-length: (\d+)\r\n/i.exec(text) ?? [];
  return text.length - text.indexOf("\r\n\r\n") - 4 === Number(length);
}
