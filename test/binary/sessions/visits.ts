import type { Door } from "../../bench/sessions/crowd.ts";

/** How a client goes: in good order, by a broken connection, or in good order without a word. */
export const ways = ["leaves", "is cut", "says nothing"] as const;

interface Visitor {
  readonly instanceId: string;
  readonly way: (typeof ways)[number] | undefined;
}

/** One client that comes, sends a message, and goes again. Resolves when its connection is over. */
export function visit({ port, open }: Door, token: string, { instanceId, way }: Visitor): Promise<void> {
  return new Promise((resolve, reject) => {
    let isThere = false;
    const line = open(port, token, {
      heard: (frame) => {
        if ("accepted" in frame) line.say({ message: { seq: 1, id: "u1", payload: "aGVsbG8=" } });
        if (!("received" in frame)) return;
        isThere = true;
        if (way === "leaves") line.leave();
        else line.cut();
      },
      ended: () => {
        if (isThere || way === "says nothing") resolve();
        else reject(new Error(`Cannot visit the gateway as "${instanceId}": the connection has ended`));
      },
    });
    if (way === "says nothing") line.leave();
    else line.say({ hello: { instanceId } });
  });
}
