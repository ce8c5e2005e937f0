import type { ClientTransport } from "../kube/transport.ts";
import type { Leadership } from "./term.ts";

/**
 * The same calls, but whatever may change something is only sent while the leadership is held, asked before each try: also
 * before one that waited for a 429, and by a process that was frozen. Else StoppedError.
 */
export function fenced(caller: ClientTransport, leadership: Pick<Leadership, "isHeld">): ClientTransport {
  return {
    clock: caller.clock,
    chance: caller.chance,
    serverNowMs: () => caller.serverNowMs(),
    serverDoubtMs: () => caller.serverDoubtMs(),
    open: (request) => caller.open(request),
    call: (request) =>
      caller.call(request.method === "GET" ? request : { ...request, guard: () => leadership.isHeld() }),
  };
}
