import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "ws";
import { RawClient } from "../../http/support/serve.ts";
import { clientOn, overGrpc, overWebSocket, socketTo } from "./support/clients.ts";
import { Gateway, transports } from "./support/gateway.ts";

const hello = { hello: { instanceId: "one" } };

describe.each(transports)("hostile clients over $name", (transport) => {
  test("have nothing of a session that begins with what is far too large", async () => {
    const gateway = await Gateway.serving(transport);
    const client = gateway.open();
    client.say({ hello: { instanceId: "x".repeat(300_000) } });
    await client.ended;
    expect(gateway.news).toEqual([]);
  });
});

describe("a client that does not read", () => {
  test("over WebSocket is cut off, and kept", { timeout: 60_000 }, async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const { client, socket } = await openSocket(gateway);
    socket.pause();
    await floods(() => socket.send('{"heartbeat":{}}'), gateway);
    socket.resume();
    await client.ended;
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 1 });
  });

  test("over gRPC is cut off, and kept", { timeout: 60_000 }, async () => {
    const gateway = await Gateway.serving(overGrpc);
    const { session, stream } = await openStream(gateway);
    // Nothing is taken of what comes: the window of the stream stays shut
    stream.pause();
    await floods(() => stream.write(framed(heartbeat)), gateway);
    session.destroy();
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 1 });
  });
});

/** Until the session is over. */
async function floods(say: () => void, gateway: Gateway): Promise<void> {
  const isOver = (): boolean => gateway.news.some(({ kind }) => kind === "closed");
  while (!isOver()) {
    for (let n = 0; n < 500; n++) say();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

async function openSocket(gateway: Gateway) {
  const socket: WebSocket = socketTo(gateway.port, { headers: { authorization: `Bearer ${gateway.token()}` } });
  const client = clientOn(socket);
  client.say(hello);
  await client.next("accepted");
  return { client, socket };
}

/** ClientFrame with a heartbeat, in protobuf. */
const heartbeat = Buffer.from([0x22, 0]);
/** ClientFrame with a hello of instance "one". */
const helloBytes = Buffer.from([0x0a, 5, 0x0a, 3, ...Buffer.from("one")]);

function framed(message: Buffer, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(Number(isCompressed), 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function streamTo(gateway: Gateway, more: Readonly<Record<string, string>> = {}) {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  onTestFinished(() => session.destroy());
  session.on("error", () => undefined);
  const stream = session.request({
    ...{ ":method": "POST", ":path": "/keyturn.sessions.v1.Sessions/Connect", "content-type": "application/grpc" },
    ...{ te: "trailers", authorization: `Bearer ${gateway.token()}` },
    ...more,
  });
  stream.on("error", () => undefined);
  return { session, stream };
}

async function openStream(gateway: Gateway) {
  const { session, stream } = streamTo(gateway);
  stream.write(framed(helloBytes));
  await once(stream, "data");
  return { session, stream };
}

describe("hostile frames of a WebSocket", () => {
  test.each([
    ["without a mask", Buffer.from([0x81, 2, 0x7b, 0x7d]), 1002],
    ["of a length of 2⁶³", Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]), 1009],
    ["of a kind that nobody knows", Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ["that go on with nothing", Buffer.from([0x80, 0x80, 0, 0, 0, 0]), 1002],
    ["with a bit that nobody asked for", Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ["of text that is none", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1007],
    ["of a ping that is too long", Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0]), 1002],
  ])("%s end it, and nothing is left", async (_, bytes, code) => {
    const gateway = await Gateway.serving(overWebSocket);
    const client = await RawClient.to(gateway.port);
    client.write(
      `GET /sessions HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\nAuthorization: Bearer ${gateway.token()}\r\n\r\n`,
    );
    await client.says("\r\n\r\n");
    client.socket.write(bytes);
    const said = await client.ended;
    const close = said.slice(said.indexOf("\r\n\r\n") + 4);
    expect([close.charCodeAt(0), (close.charCodeAt(2) << 8) | close.charCodeAt(3)]).toEqual([0x88, code]);
    // The gateway may hear of it a little later
    await expect.poll(() => gateway.clock.waits).toEqual([]);
    expect(gateway.service.size.remembered).toBe(0);
  });

  test("of many parts are too large together, and the client is kept", async () => {
    const gateway = await Gateway.serving(overWebSocket);
    const { client, socket } = await openSocket(gateway);
    for (let n = 0; n < 10; n++) socket.send("x".repeat(20_000), { fin: false });
    expect(await client.ended).toMatchObject({ status: 1009 });
    await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 1 });
  });
});

describe("hostile messages of gRPC", () => {
  test.each([
    ["that are larger than 128 KiB", framed(Buffer.alloc(200_000)), {}],
    ["that grow when they are unpacked", framed(gzipSync(Buffer.alloc(10_000_000)), true), { "grpc-encoding": "gzip" }],
    ["that are no messages", framed(Buffer.from([0xff, 0xff, 0xff])), {}],
  ])("%s end it", async (_, bytes, more) => {
    const gateway = await Gateway.serving(overGrpc);
    const { stream } = streamTo(gateway, more);
    let code: unknown;
    // Without an answer before it the status is in the only header
    for (const event of ["response", "trailers"])
      stream.on(event, (headers: IncomingHttpHeaders) => (code = headers["grpc-status"]));
    stream.resume().write(bytes);
    await once(stream, "close");
    expect(["3", "8", "13"]).toContain(code);
    expect(gateway.service.size.remembered).toBe(0);
  });

  test("do not begin with what is no HTTP/2", async () => {
    const gateway = await Gateway.serving(overGrpc);
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
    await once(socket, "close");
    expect(gateway.service.size.remembered).toBe(0);
  });
});

describe("a WebSocket's token", () => {
  const v1 = "keyturn.sessions.v1";
  test.each([
    [
      "twice among the subprotocols",
      (token: string) => ({ protocols: [v1, `keyturn.bearer.${token}`, `keyturn.bearer.x${token}`] }),
    ],
    ["that is empty", () => ({ protocols: [v1, "keyturn.bearer."] })],
    ["in the URL", () => ({ protocols: [v1] })],
    ["under another name", (token: string) => ({ protocols: [v1, `keyturn.Bearer.${token}`] })],
    ["as a cookie", (token: string) => ({ headers: { cookie: `authorization=${token}` } })],
  ])("%s is none", async (_, optionsFor) => {
    const gateway = await Gateway.serving(overWebSocket);
    const socket = socketTo(gateway.port, optionsFor(gateway.token()));
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(401);
    expect(gateway.service.size.remembered).toBe(0);
  });

  test.each([
    "https://app.example/",
    "HTTPS://APP.EXAMPLE",
    "https://app.example:443",
    "https://app.example, https://evil.example",
    "https://evil.example https://app.example",
    "https://app.example.",
    "",
  ])("of a page whose origin is only like one of the list, %j, lets it not in", async (origin) => {
    const gateway = await Gateway.serving(overWebSocket);
    const headers = { authorization: `Bearer ${gateway.token()}`, origin };
    const [, response] = (await once(socketTo(gateway.port, { headers }), "unexpected-response")) as [
      unknown,
      { statusCode: number },
    ];
    expect(response.statusCode).toBe(403);
  });
});
