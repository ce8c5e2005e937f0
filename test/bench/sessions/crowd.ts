import type { HeardFrame, Line, OpenLine } from "./line.ts";

export interface Door {
  readonly port: number;
  readonly open: OpenLine;
}

export interface Guest {
  readonly line: Line;
  heard: (frame: HeardFrame) => void;
  ended: (why?: string) => void;
}

/** Connections that come under way at the same time. */
const atOnce = 128;

/** Opens one connection for each token, says hello, and waits until it is accepted. */
export async function enter(door: Door, tokens: readonly string[]): Promise<readonly Guest[]> {
  const guests: Guest[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let n = next++; n < tokens.length; n = next++) guests.push(await entered(door, tokens[n] ?? "", n));
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return guests;
}

function entered({ port, open }: Door, token: string, n: number): Promise<Guest> {
  return new Promise((resolve, reject) => {
    const line = open(port, token, {
      heard: (frame) => guest.heard(frame),
      ended: (why) => guest.ended(why),
    });
    const guest: Guest = {
      line,
      heard: (frame) => {
        guest.heard = () => undefined;
        guest.ended = () => undefined;
        if ("accepted" in frame) resolve(guest);
        else reject(new Error(`Cannot open session ${n}: ${JSON.stringify(frame)}`));
      },
      ended: (why = "") => reject(new Error(`Cannot open session ${n}: the connection ended ${why}`)),
    };
    line.say({ hello: { instanceId: `i${n}` } });
  });
}

/** Breaks all connections. */
export function leave(guests: readonly Guest[]): void {
  for (const { line } of guests) line.cut();
}
