import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { clientOn, overWebSocket, socketTo } from "./support/clients.ts";
import { Gateway } from "./support/gateway.ts";

const hello = { hello: { instanceId: "one" } };

/** The status of an answer that is no upgrade. */
async function refusal(socket: WebSocket): Promise<number | undefined> {
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  return response.statusCode;
}

describe("a WebSocket", () => {
  test("brings a browser's token among its subprotocols, which is not said back", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const token = gateway.token();
    const protocols = ["keyturn.sessions.v1", `keyturn.bearer.${token}`];
    const socket = socketTo(gateway.port, { protocols, headers: { origin: "https://app.example" } });
    const [response] = (await once(socket, "upgrade")) as [IncomingMessage];
    expect(JSON.stringify(response.rawHeaders)).not.toContain(token);
    const client = clientOn(socket);
    client.say(hello);
    expect(await client.next("accepted")).toMatchObject({ accepted: { sessionId: "session-1" } });
    expect(socket.protocol).toBe("keyturn.sessions.v1");
  });

  test.each(["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"])(
    "is refused to a page of %s, whatever its token",
    async (origin) => {
      const gateway = await Gateway.serving(overWebSocket);
      const headers = { authorization: `Bearer ${gateway.token()}`, origin };
      expect(await refusal(socketTo(gateway.port, { headers }))).toBe(403);
    },
  );

  test("is refused without a token, and with two", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    expect(await refusal(socketTo(gateway.port))).toBe(401);
    const token = gateway.token();
    const protocols = ["keyturn.sessions.v1", `keyturn.bearer.${token}`];
    const both = socketTo(gateway.port, { protocols, headers: { authorization: `Bearer ${token}` } });
    expect(await refusal(both)).toBe(401);
  });

  test.each([
    ["a binary message", Buffer.from(JSON.stringify(hello))],
    ["what is no JSON", "{"],
    ["a list", "[]"],
  ])("ends with %s", async (_, data) => {
    const gateway = await Gateway.serving(overWebSocket);
    const socket = socketTo(gateway.port, { headers: { authorization: `Bearer ${gateway.token()}` } });
    const client = clientOn(socket);
    await once(socket, "open");
    socket.send(data);
    expect(await client.ended).toEqual({ code: "BadMessage", status: 4400 });
  });

  test("takes the names of the .proto file, and numbers as text, as proto3's JSON has them", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const client = gateway.open();
    client.say({ hello: { instance_id: "one", resume: { session_id: "session-9", received: "7" } } });
    expect(await client.next("accepted")).toMatchObject({ accepted: { resumed: false } });
  });

  test("says instants as text, as proto3's JSON has 64 bits", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const client = gateway.open();
    client.say(hello);
    await client.next("accepted");
    expect(client.texts[0]).toContain(`"serverNowUnixMs":"${gateway.clock.nowMs()}"`);
  });

  test("that is sent too much at once is closed, and its peer is kept", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const client = gateway.open();
    client.say(hello);
    await client.next("accepted");
    client.say({ message: { seq: 1, id: "u1", payload: "A".repeat(100_000) } });
    expect(await client.ended).toMatchObject({ status: 1009 });
    await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 1 });
  });

  test.each([
    ["GET", "/sessions", 426],
    ["GET", "/elsewhere", 404],
    ["PUT", "/sessions/a/b", 404],
    ["GET", "/sessions/session-1", 405],
    ["PUT", "/sessions/session-1", 401],
  ])("has answers for requests that are none: %s %s", async (method, path, status) => {
    const gateway = await Gateway.serving(overWebSocket);
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method });
    expect(answer.status).toBe(status);
  });
});
