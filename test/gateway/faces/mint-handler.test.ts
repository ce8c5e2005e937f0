import { describe, expect, test } from "vitest";
import { mintHandler, type MintHandlerOptions, type MintOutcome } from "../../../src/gateway/faces/mint-handler.ts";
import { RuleError, TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { RawClient, serve } from "../../http/support/serve.ts";

type Mint = MintHandlerOptions["mint"];
const minted: Mint = async ({ subject }) => ({ token: `token of ${subject}`, kid: "k1", id: "1", expiresAtMs: 0 });

/** @param mostMs - That a request may take: nobody is slow by a busy machine @default a minute */
async function opening(mint: Mint = minted, mostMs = 60_000) {
  const counted: MintOutcome[] = [];
  const defects: unknown[] = [];
  const handler = mintHandler({
    ...{ mint, hosts: "loopback" as const },
    count: (outcome) => counted.push(outcome),
    onDefect: (error) => defects.push(error),
  });
  const { url, port } = await serve(handler, { requestMs: mostMs, headerMs: mostMs });
  const post = (body: string, headers: Record<string, string> = {}, path = "/token") =>
    fetch(url + path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  return { url, port, post, counted, defects };
}

const problemOf = async (answer: Response) => {
  const body = (await answer.json()) as Record<string, unknown>;
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(body["status"]).toBe(answer.status);
  return [answer.status, body["code"]];
};

describe("POST /token", () => {
  test("gives a token, its kid and its end, not to be stored", async () => {
    const { post, counted } = await opening();
    const answer = await post('{"sub":"alice"}');
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      token: "token of alice",
      kid: "k1",
      expiresAt: "1970-01-01T00:00:00.000Z",
    });
    expect(counted).toEqual(["Minted"]);
  });

  test.each([
    ["", "MintRequestInvalid"],
    ["[]", "MintRequestInvalid"],
    ['{"sub":"a","sub":"b"}', "MintRequestInvalid"],
    ['{"sub":"a","iss":"me"}', "MintRequestInvalid"],
    ['{"subject":"a"}', "MintRequestInvalid"],
  ])("refuses the body %j", async (body, code) => {
    const { post, counted } = await opening();
    expect(await problemOf(await post(body))).toEqual([400, code]);
    expect(counted).toEqual(["RequestRefused"]);
  });

  test("words a rule's refusal, and a fence as a reason to come again", async () => {
    const refusing = await opening(async () => {
      throw new RuleError("AudienceUnknown", "Cannot mint for audience");
    });
    expect(await problemOf(await refusing.post('{"sub":"a"}'))).toEqual([400, "AudienceUnknown"]);
    const fenced = await opening(async () => {
      throw new TryLaterError("MintFenced", "Cannot mint");
    });
    const answer = await fenced.post('{"sub":"a"}');
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await problemOf(answer)).toEqual([503, "MintFenced"]);
    expect(fenced.counted).toEqual(["Unavailable"]);
  });

  test("says nothing of a defect but that it is one", async () => {
    const { post, counted, defects } = await opening(async () => {
      throw new TypeError("with a secret");
    });
    const answer = await post('{"sub":"a"}');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect([counted, defects.length]).toEqual([["Failed"], 1]);
  });

  test.each([
    ["another path", { line: "POST /tokens" }, [404, "PathUnknown"]],
    ["GET", { line: "GET /token" }, [405, "MethodNotAllowed"]],
    ["a web page", { header: "Origin: https://evil.example" }, [403, "OriginNotAllowed"]],
    ["another type", { type: "Content-Type: text/plain" }, [415, "TypeNotAllowed"]],
    ["too long a body", { header: "Content-Length: 16385" }, [413, "BodyTooLarge"]],
  ] as const)("refuses %s, and closes the connection", async (_, request, [status, code]) => {
    const { line, type, header } = {
      line: "POST /token",
      type: "Content-Type: application/json",
      header: "A: b",
      ...request,
    };
    const { port } = await opening();
    const client = await RawClient.to(port);
    client.write(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}\r\n${header}\r\n\r\n`);
    const said = await client.ended;
    expect(said).toContain(`HTTP/1.1 ${status} `);
    expect(said).toContain(`"code":"${code}"`);
    expect(said).toMatch(/connection: close/i);
  });

  test.each([
    ["localhost", 200],
    ["LOCALHOST:8081", 200],
    ["127.0.0.1:8081", 200],
    ["[::1]:8081", 200],
    ["evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example:80", 403],
  ])("from a client that calls it %s: %i", async (host, status) => {
    const { port } = await opening();
    const client = await RawClient.to(port);
    const body = '{"sub":"a"}';
    client.write(
      `POST /token HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await client.ended).toContain(`HTTP/1.1 ${status} `);
  });

  test("reads no more of a body without a length than it may", async () => {
    const { port, counted } = await opening();
    const client = await RawClient.to(port);
    client.write(
      "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (let chunks = 0; chunks < 20; chunks++) client.write(`400\r\n${" ".repeat(1024)}\r\n`);
    expect(await client.ended).toContain('"code":"BodyTooLarge"');
    expect(counted).toEqual(["RequestRefused"]);
  });

  test("takes a body of just as much", async () => {
    const { post } = await opening();
    expect((await post('{"sub":"a"}'.padEnd(16_384))).status).toBe(200);
    expect((await post('{"sub":"a"}'.padEnd(16_385))).status).toBe(413);
  });

  test("cuts off a client that never ends its body", async () => {
    const { port } = await opening(minted, 200);
    const client = await RawClient.to(port);
    client.write(
      'POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"sub"',
    );
    expect(await client.ended).not.toContain(" 200 ");
  });

  test("refuses what is no UTF-8", async () => {
    const { url } = await opening();
    const answer = await fetch(`${url}/token`, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8" },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    expect(await problemOf(answer)).toEqual([400, "BodyNotUtf8"]);
  });
});
