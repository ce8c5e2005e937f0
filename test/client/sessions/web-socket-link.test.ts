import { describe, expect, test } from "vitest";
import type { ConnectionEnd } from "../../../src/client/session-core/client-state.ts";
import { webSocketLinks } from "../../../src/client/sessions/web-socket-link.ts";

type Listener = (event: { data: unknown; code: number; reason: string }) => void;

/** What was done to the last one that was made. */
let socket: FakeSocket;

class FakeSocket {
  readonly listeners = new Map<string, Listener>();
  readonly closed: unknown[] = [];
  readonly sent: string[] = [];
  readonly asked: readonly unknown[];

  constructor(...asked: readonly unknown[]) {
    this.asked = asked;
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- who it is that the link has made
    socket = this;
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, listener);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(...how: readonly unknown[]): void {
    this.closed.push(how);
  }

  happens(type: string, event: Partial<Parameters<Listener>[0]> = {}): void {
    this.listeners.get(type)?.({ data: undefined, code: 1006, reason: "", ...event });
  }
}

function linked() {
  const ends: ConnectionEnd[] = [];
  const frames: unknown[] = [];
  const url = new URL("wss://gateway.example/sessions");
  const listener = { heard: (frame: unknown) => frames.push(frame), lost: (end: ConnectionEnd) => ends.push(end) };
  const link = webSocketLinks({ url, maker: FakeSocket, fetch })("token", listener);
  return { link, ends, frames };
}

describe("webSocketLinks", () => {
  test("has the token as a subprotocol, and says nothing before the connection is there", () => {
    const { link } = linked();
    expect(socket.asked).toEqual(["wss://gateway.example/sessions", ["keyturn.sessions.v1", "keyturn.bearer.token"]]);
    link.say({ heartbeat: {} });
    expect(socket.sent).toEqual([]);
    socket.happens("open");
    expect(socket.sent).toEqual(['{"heartbeat":{}}']);
  });

  test("cuts without a farewell, after which nothing is heard", () => {
    const { link, ends, frames } = linked();
    link.cut();
    expect(socket.closed).toEqual([[4000]]);
    socket.happens("message", { data: '{"heartbeat":{}}' });
    socket.happens("close");
    expect([ends, frames]).toEqual([[], []]);
  });

  test("leaves with one, and is left when that is answered", async () => {
    const { link } = linked();
    const left = link.leave();
    expect(socket.closed).toEqual([[1000]]);
    socket.happens("close", { code: 1000 });
    await left;
  });

  test.each([
    [4401, "Expired", { code: "Expired", isRetryable: true }],
    [4403, "Forbidden", { code: "Forbidden", isRetryable: false }],
    [1006, "", { code: "Lost", isRetryable: true }],
    [1012, "restart", { code: "Lost", isRetryable: true }],
  ])("of a close with %d %s it tells its end, once", (code, reason, end) => {
    const { ends } = linked();
    socket.happens("close", { code, reason });
    socket.happens("close", { code, reason });
    expect(ends).toEqual([expect.objectContaining(end)]);
  });

  test("passes over what is no text", () => {
    const { frames } = linked();
    socket.happens("message", { data: new ArrayBuffer(2) });
    expect(frames).toEqual([undefined]);
  });

  test("tells of a token that can be no subprotocol, without showing it", async () => {
    const url = new URL("wss://gateway.example/sessions");
    const end = await new Promise<ConnectionEnd>((resolve) => {
      webSocketLinks({ url, maker: WebSocket, fetch })("no token", { heard: () => undefined, lost: resolve });
    });
    expect(end).toMatchObject({ code: "Lost", isRetryable: true });
    expect(end.reason).not.toContain("no token");
  });
});
