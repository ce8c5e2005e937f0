import { compressionAlgorithms } from "@grpc/grpc-js";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Decide } from "../../../../src/gateway/faces/decision.ts";
import { extAuthz } from "../../../../src/gateway/faces/grpc/ext-authz.ts";
import { listenGrpc } from "../../../../src/grpc/listen-grpc.ts";
import { tempDir } from "../../../files/temp.ts";
import { asking, bytesOf, checkPath, GrpcClient, serveGrpc } from "../../support/grpc.ts";
import { RawClient } from "../../../http/support/serve.ts";

const decide: Decide = () => ({ status: 200, headers: [] });
const service = { decide, isReady: () => true };
const good = asking({ key: "a", value: "b" });
const allowed = { code: "OK", message: { status: { code: 0 }, okResponse: {} } };
const limit = 131_072;

/** A header's value so long that the whole message has that many bytes. */
function sized(bytes: number): Buffer {
  const rest = bytesOf(asking({ key: "a", value: "x".repeat(limit) })).length - limit;
  const message = bytesOf(asking({ key: "a", value: "x".repeat(bytes - rest) }));
  expect(message).toHaveLength(bytes);
  return message;
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const settings = "\0\0\0\x04\0\0\0\0\0";

describe("a hostile client", () => {
  test.each([
    ["random bytes", Buffer.from("ffffffffffffffffffff", "hex")],
    ["a message that is cut off", bytesOf(good).subarray(0, -1)],
    ["a length beyond the end", Buffer.from("0affffffff07", "hex")],
    ["groups without an end", Buffer.alloc(1000, 0x0b)],
    ["groups that are too deep", Buffer.concat([Buffer.alloc(60_000, 0x0b), Buffer.alloc(60_000, 0x0c)])],
    ["a text where a message belongs", Buffer.from("0a056865796865", "hex")],
  ])("that sends %s gets an error, and others their answer", async (_, bytes) => {
    const { port } = await serveGrpc(service);
    const client = new GrpcClient(port);
    expect(await client.call(checkPath, bytes)).toEqual({ code: "INTERNAL" });
    expect(await client.check(good)).toEqual(allowed);
  });

  test("that sends fields that nobody knows is answered without them", async () => {
    const { port } = await serveGrpc(service);
    const strange = Buffer.concat([bytesOf(good), Buffer.from("f2070361626398080f", "hex")]);
    expect((await new GrpcClient(port).call(checkPath, strange)).code).toBe("OK");
  });

  test("with a message at the bound is served", async () => {
    const { port } = await serveGrpc(service);
    expect((await new GrpcClient(port).call(checkPath, sized(limit))).code).toBe("OK");
  });

  test("with a message beyond the bound is cut off", async () => {
    const { port } = await serveGrpc(service);
    const client = new GrpcClient(port);
    expect(await client.call(checkPath, sized(limit + 1))).toEqual({ code: "RESOURCE_EXHAUSTED" });
    expect(await client.check(good)).toEqual(allowed);
  });

  test("with a small message that becomes a large one is cut off", async () => {
    const { port } = await serveGrpc(service);
    const client = new GrpcClient(port, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
    expect(await client.call(checkPath, bytesOf(asking({ key: "a", value: "x".repeat(50 * limit) })))).toEqual({
      code: "RESOURCE_EXHAUSTED",
    });
  });

  test("that asks for what is not there gets UNIMPLEMENTED", async () => {
    const { port } = await serveGrpc(service);
    const client = new GrpcClient(port);
    for (const path of [
      "/envoy.service.auth.v3.Authorization/Other",
      "/envoy.service.auth.v2.Authorization/Check",
      "/",
    ]) {
      expect(await client.call(path, bytesOf(good))).toEqual({ code: "UNIMPLEMENTED" });
    }
  });

  test("that never ends its message is cut off, and goes on to be served", async () => {
    const { port } = await serveGrpc(service, { requestMs: 50 });
    const client = new GrpcClient(port);
    expect(await client.begin().answer).toEqual({ code: "DEADLINE_EXCEEDED" });
    expect(await client.check(good)).toEqual(allowed);
  });

  test("that opens too many connections is not heard on the last one", async () => {
    const { port } = await serveGrpc(service, { connections: 2 });
    const clients = [new GrpcClient(port), new GrpcClient(port)];
    for (const client of clients) expect(await client.check(good)).toEqual(allowed);
    const third = await RawClient.to(port);
    third.write(preface);
    expect(await third.ended).toBe("");
    expect(await clients[0]?.check(good)).toEqual(allowed);
  });

  test.each([
    ["says nothing", ""],
    ["greets and says nothing more", preface + settings],
  ])("that %s is closed", async (_, text) => {
    const { port } = await serveGrpc(service, { pingMs: 50 });
    const client = await RawClient.to(port);
    client.write(text);
    await client.ended;
  });

  test.each([
    ["HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    ["a frame that is too large", `${preface}${settings}\xff\xff\xff\0\0\0\0\0\x01`],
  ])("that speaks %s is closed, and others get their answer", async (_, text) => {
    const { port } = await serveGrpc(service);
    const client = await RawClient.to(port);
    client.socket.write(text, "latin1");
    await client.ended;
    expect(await new GrpcClient(port).check(good)).toEqual(allowed);
  });
});

describe("drain", () => {
  test("answers what was begun, and takes nothing new", async () => {
    const listener = await serveGrpc(service);
    const client = new GrpcClient(listener.port);
    const begun = client.begin();
    // On the same connection, and so after it
    await client.check(good);
    const drained = listener.drain(60_000);
    const late = await RawClient.to(listener.port);
    expect(await late.ended).toBe("");
    begun.end(good);
    expect(await begun.answer).toEqual(allowed);
    await drained;
  });

  test("ends idle connections at once, those that never said a word as well", async () => {
    const listener = await serveGrpc(service);
    const silent = await RawClient.to(listener.port);
    await new GrpcClient(listener.port).check(good);
    await listener.drain(60_000);
    await silent.ended;
  });

  test("ends what takes longer than it may", async () => {
    const listener = await serveGrpc(service);
    const client = new GrpcClient(listener.port);
    const begun = client.begin();
    await client.check(good);
    await listener.drain(20);
    expect((await begun.answer).code).not.toBe("OK");
  });

  test("ends a client that does not close its side", async () => {
    const listener = await serveGrpc(service);
    const server = await RawClient.to(listener.port);
    server.socket.allowHalfOpen = true;
    await server.write(preface + settings).says("\0\0\0\x04\x01");
    await listener.drain(20);
  });
});

describe("grpc.health.v1.Health", () => {
  test("says whether the gateway serves, of the whole and of the one service", async () => {
    let ready = false;
    const { port } = await serveGrpc({ decide, isReady: () => ready });
    const client = new GrpcClient(port);
    const both = async () => [await client.health(""), await client.health("envoy.service.auth.v3.Authorization")];
    expect(await both()).toEqual(Array(2).fill({ code: "OK", message: { status: 2 } }));
    ready = true;
    expect(await both()).toEqual(Array(2).fill({ code: "OK", message: { status: 1 } }));
  });

  test("reads and writes what the protocol says", async () => {
    const { port } = await serveGrpc(service);
    const client = new GrpcClient(port);
    const path = "/grpc.health.v1.Health/Check";
    expect(await client.call(path, Buffer.from("0a00", "hex"))).toEqual({ code: "OK", message: Buffer.from([8, 1]) });
    expect(await client.call(path, Buffer.from("0a0161", "hex"))).toEqual({ code: "NOT_FOUND" });
  });

  test("knows no other service", async () => {
    const { port } = await serveGrpc(service);
    expect(await new GrpcClient(port).health("other")).toEqual({ code: "NOT_FOUND" });
  });
});

describe("listenGrpc", () => {
  test("on a Unix socket lets user and group in", async () => {
    const path = join(await tempDir(), "check.sock");
    await serveGrpc(service, {}, { kind: "unix", path });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    expect(await new GrpcClient(`unix:${path}`).check(good)).toEqual(allowed);
  });

  test("names an address that can't be had", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    await expect(
      listenGrpc({ kind: "tcp", host: "127.0.0.1", port }, { methods: extAuthz(service) }),
    ).rejects.toMatchObject({
      code: "AddressUnusable",
      message: `Cannot listen on 127.0.0.1:${port}: something else listens there`,
    });
  });
});
