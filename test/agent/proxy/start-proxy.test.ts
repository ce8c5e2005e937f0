import { once } from "node:events";
import { createServer, get, request as send } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/time/clock.ts";
import { startProxy } from "../../../src/agent/proxy/start-proxy.ts";
import { RawClient } from "../../http/support/serve.ts";
import { MemoryIdentities } from "../support/memory-identities.ts";
import { answerTo, bodyOf, proxied, tokenOf } from "./support/proxied.ts";

describe("startProxy", () => {
  test("passes a request on with the identity's token, and the answer back", async () => {
    const seen: unknown[] = [];
    const { url, answered } = await proxied((request, response) => {
      seen.push([request.method, request.url, tokenOf(request), request.headers["x-trace"]]);
      response.writeHead(207, "Some of it", ["x-kind", "a", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]);
      response.end("körper", "latin1");
    });
    const options = { headers: { "x-trace": "7" } };
    const message = await answerTo(get(`${url}/orders?a=%20b`, options));
    expect([message.statusCode, message.statusMessage]).toEqual([207, "Some of it"]);
    expect([message.headers["x-kind"], message.headers["set-cookie"]]).toEqual(["a", ["a=1", "b=2"]]);
    expect(await bodyOf(message)).toBe("körper");
    expect(seen).toEqual([["GET", "/orders?a=%20b", "shop-1", "7"]]);
    expect(answered).toEqual([{ status: 207 }]);
  });

  test("takes the newest token for each request", async () => {
    const { url, identity } = await proxied((request, response) => response.end(tokenOf(request)));
    expect(await bodyOf(await answerTo(get(url)))).toBe("shop-1");
    await identity.refresh();
    expect(await bodyOf(await answerTo(get(url)))).toBe("shop-2");
  });

  test("serves a Unix socket, whatever Host says there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "proxy.sock");
    await proxied((request, response) => response.end(`${tokenOf(request)} ${request.headers.host}`), {
      listen: { kind: "unix", path },
    });
    const message = await answerTo(get({ socketPath: path, headers: { host: "shop.example" } }));
    expect(await bodyOf(message)).toMatch(/^shop-1 127\.0\.0\.1:\d+$/);
  });

  test.each(["0.0.0.0", "192.0.2.1", "::", undefined])("is refused on %s: others could use the token", async (host) => {
    const listen = { kind: "tcp", port: 0, ...(host !== undefined && { host }) } as const;
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const started = startProxy(
      { listen, upstream: new URL("http://127.0.0.1:1"), identity: "shop" },
      { identities: new MemoryIdentities([]), clock: systemClock, log },
    );
    await expect(started).rejects.toMatchObject({ code: "AddressUnusable" });
  });

  test("sends a body on as it comes, and its answer back before its end", async () => {
    const { url } = await proxied((request, response) => {
      request.pipe(response);
    });
    const request = send(url, { method: "POST" });
    request.write("one");
    const message = await answerTo(request);
    expect(String((await once(message, "data"))[0])).toBe("one");
    request.end("two");
    expect(await bodyOf(message)).toBe("two");
  });
});

describe("CONNECT", () => {
  test("is refused, with words", async () => {
    const { port } = await proxied(createServer());
    const client = await RawClient.to(port);
    const answer = await client.write("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n").ended;
    expect(answer).toContain("405 Method Not Allowed");
    expect(answer).toContain("TunnelRefused");
  });
});
