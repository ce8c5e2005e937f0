import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { RawClient } from "../../http/support/serve.ts";
import { proxied } from "./support/proxied.ts";

const head = ["POST / HTTP/1.1", "Host: localhost"];
const hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

describe("a request of which two servers could see two ends reaches the upstream not at all, or as one", () => {
  test.each([
    { what: "a length and chunks", lines: ["Content-Length: 6", "Transfer-Encoding: chunked"], body: "0\r\n\r\n" },
    { what: "chunks and a length", lines: ["Transfer-Encoding: chunked", "Content-Length: 6"], body: "0\r\n\r\n" },
    { what: "two lengths", lines: ["Content-Length: 0", `Content-Length: ${hidden.length}`], body: "" },
    { what: "two equal lengths", lines: ["Content-Length: 0", "Content-Length: 0"], body: "" },
    { what: "a list of lengths", lines: [`Content-Length: 0, ${hidden.length}`], body: "" },
    { what: "a length with a sign", lines: ["Content-Length: +0"], body: "" },
    { what: "a space before the colon", lines: ["Content-Length : 0"], body: "" },
    { what: "a coding that is none", lines: ["Transfer-Encoding: xchunked"], body: "0\r\n\r\n" },
    { what: "a coding before chunked", lines: ["Transfer-Encoding: gzip, chunked"], body: "0\r\n\r\n" },
    { what: "chunked twice", lines: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], body: "0\r\n\r\n" },
    {
      what: "chunked and identity",
      lines: ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      body: "0\r\n\r\n",
    },
    { what: "a folded line", lines: ["Transfer-Encoding:", " chunked"], body: "0\r\n\r\n" },
    { what: "a bare line feed", lines: ["X: a\nTransfer-Encoding: chunked"], body: "0\r\n\r\n" },
    { what: "a bare carriage return", lines: ["X: a\rTransfer-Encoding: chunked"], body: "0\r\n\r\n" },
    { what: "a NUL", lines: ["X: a\0b"], body: "" },
    { what: "a chunk's size that is none", lines: ["Transfer-Encoding: chunked"], body: "0x0\r\n\r\n" },
    { what: "a chunk that ends elsewhere", lines: ["Transfer-Encoding: chunked"], body: "1\r\naX0\r\n\r\n" },
    { what: "a chunk's line that ends with a line feed alone", lines: ["Transfer-Encoding: chunked"], body: "0\n\r\n" },
    { what: "a chunk's extension with a line feed", lines: ["Transfer-Encoding: chunked"], body: "0;a\nb\r\n\r\n" },
  ])("$what", async ({ lines, body }) => {
    const seen: string[] = [];
    const { port } = await proxied((request, response) => {
      seen.push(request.url ?? "");
      request.resume().on("end", () => response.end());
    });
    const client = await RawClient.to(port);
    client.write(`${[...head, ...lines].join("\r\n")}\r\n\r\n${body}${hidden}`);
    const answer = await client.ended;
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|501) /);
    expect(seen.filter((url) => url !== "/")).toEqual([]);
  });

  test("what is named in Connection takes no end away", async () => {
    const seen: string[] = [];
    const { port } = await proxied((request, response) => {
      seen.push(request.url ?? "");
      request.resume().on("end", () => response.end());
    });
    const lines = [...head, "Connection: close, Transfer-Encoding, Content-Length", `Content-Length: ${hidden.length}`];
    await (await RawClient.to(port)).write(`${lines.join("\r\n")}\r\n\r\n${hidden}`).ended;
    expect(seen).toEqual(["/"]);
  });
});

describe("an answer of which two readers could see two ends", () => {
  test.each([
    { what: "a length and chunks", lines: ["Content-Length: 5", "Transfer-Encoding: chunked"] },
    { what: "two lengths", lines: ["Content-Length: 5", "Content-Length: 0"] },
    { what: "a folded line", lines: ["X: a", " b", "Content-Length: 0"] },
    { what: "a bare line feed", lines: ["X: a\nContent-Length: 0"] },
    { what: "no HTTP", lines: ["\0"] },
  ])("is 502: $what", async ({ lines }) => {
    const upstream = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n0\r\n\r\n`));
    }).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    onTestFinished(() => void upstream.close());
    const { port, identity } = await proxied(() => undefined, { upstream: urlOf(upstream) });
    const client = await RawClient.to(port);
    const answer = await client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ended;
    expect(answer).toMatch(
      /^HTTP\/1\.1 502 [^]*"code":"UpstreamBroke"[^]*"detail":"what answers there speaks no HTTP"/,
    );
    expect(answer).not.toContain((await identity.token()).accessToken);
  });
});

function urlOf(server: ReturnType<typeof createServer>): URL {
  const address = server.address();
  return new URL(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
}
