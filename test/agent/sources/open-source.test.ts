import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { SourceSpec, TokenEndpoint, TokenRequestSpec } from "../../../src/agent/agent-spec.ts";
import { openSource } from "../../../src/agent/sources/open-source.ts";
import { TokenConnections } from "../../../src/agent/sources/token-connections.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import { Certificate } from "../../../src/http/certificate.ts";
import type { ShownCredential } from "../../../src/identity/machine/identity-state.ts";
import type { PairIssuer } from "../../../src/identity/pair-issuer.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { Home } from "../../gateway/support/home.ts";
import { serve } from "../../http/support/serve.ts";
import { claimsOf, hourMs, type IssuerWorld, newIssuerWorld, secret } from "../../issuer/api/support/world.ts";
import { newAuthority } from "../../kube/support/certificates.ts";

let world: IssuerWorld;
let dir: string;
let connections: TokenConnections;
beforeEach(async () => {
  world = await newIssuerWorld();
  await world.api.ready();
  dir = await tempDir();
  connections = new TokenConnections({ files: smallFiles, clock: systemClock });
});
afterEach(async () => {
  connections.close();
  await world[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const first: ShownCredential = { kind: "first" };
const request: TokenRequestSpec = { audiences: [], scopes: [] };

const open = (source: SourceSpec, more: Partial<TokenRequestSpec> = {}): PairIssuer =>
  openSource({ source, request: { ...request, ...more } }, { connections, files: smallFiles, clock: systemClock });

const write = async (name: string, text: string): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
};

const issuerHere: RequestListener = (asked, answer) => world.api.routing(asked, answer);

/** A server of the test's own, and how many connections it saw. */
async function serverThat(answers: RequestListener): Promise<TokenEndpoint & { readonly connections: () => number }> {
  let connected = 0;
  const server = createServer(answers).on("connection", () => connected++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return { url: new URL(`http://127.0.0.1:${port}`), connections: () => connected };
}

const clientOf = async (issuer: TokenEndpoint): Promise<PairIssuer> =>
  open({ kind: "clientSecret", issuer, clientId: "dashboard", secretFile: await write("secret", `${secret}\n`) });

/** The claims of the token that came. */
async function claimsBy(issuer: PairIssuer, showing = first): Promise<Readonly<Record<string, unknown>>> {
  const answer = await issuer.ask(showing, never);
  if (answer.kind !== "issued") throw new Error(answer.message);
  return claimsOf(answer.issued.accessToken);
}

describe("openSource, of our issuer,", () => {
  test("with a client's secret asks for what the file says, and renews", async () => {
    const issuer = await serverThat(issuerHere);
    const secretFile = await write("secret", secret);
    const source = open(
      { kind: "clientSecret", issuer, clientId: "dashboard", secretFile },
      { audiences: ["admin"], scopes: ["read"], accessTtlMs: 900_000, refreshTtlMs: 10 * hourMs },
    );
    const answer = await source.ask(first, never);
    if (answer.kind !== "issued") throw new Error(answer.message);
    const { accessToken, refreshToken = "", expiresInSeconds } = answer.issued;
    const { aud, scope, sid, meta } = claimsOf(accessToken);
    expect({ aud, scope, meta, expiresInSeconds }).toEqual({
      aud: "admin",
      scope: "read",
      meta: { refreshTokenTtl: "36000" },
      expiresInSeconds: 900,
    });
    expect(await claimsBy(source, { kind: "refresh", token: refreshToken })).toMatchObject({ sid });
  });

  test("with a token's file shows what stands there at this moment", async () => {
    const issuer = await serverThat(issuerHere);
    const path = await write("token", `${world.foreign({ sub: "anna" })}\n`);
    const source = open({ kind: "tokenFile", issuer, path });
    expect(await claimsBy(source)).toMatchObject({ sub: "ext:anna" });
    const before = await source.credentialId();
    expect(await source.credentialId()).toBe(before);
    await write("token", world.foreign({ sub: "bert" }));
    expect(await source.credentialId()).not.toBe(before);
    expect(await claimsBy(source)).toMatchObject({ sub: "ext:bert" });
  });

  test("with a refresh token that was handed over shows it once", async () => {
    const issuer = await serverThat(issuerHere);
    const begun = await (await clientOf(issuer)).ask(first, never);
    if (begun.kind !== "issued") throw new Error(begun.message);
    const path = await write("handed-over", `${begun.issued.refreshToken ?? ""}\n`);
    const source = open({ kind: "refreshTokenFile", issuer, path });
    const answer = await source.ask(first, never);
    if (answer.kind !== "issued") throw new Error(answer.message);
    const { handedOver = "" } = answer.issued;
    expect(handedOver).not.toBe("");
    expect(await source.ask({ kind: "first", notAgain: handedOver }, never)).toMatchObject({ code: "CredentialUsed" });
  });

  test("at a path of its server asks below that path", async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await serverThat(({ url: path }, answer) => {
      asked.push(path);
      answer.writeHead(404).end();
    });
    for (const path of ["/tenant", "/tenant/"]) await (await clientOf({ url: new URL(path, url) })).ask(first, never);
    expect(asked).toEqual(["/tenant/oauth2/token", "/tenant/oauth2/token"]);
  });

  test("sends what it sends on a connection that is kept, for all identities", async () => {
    const issuer = await serverThat(issuerHere);
    for (let n = 0; n < 3; n++) await claimsBy(await clientOf(issuer));
    expect(issuer.connections()).toBe(1);
  });
});

const authority = newAuthority("the authority");
const another = newAuthority("another authority");

/** The issuer with a certificate. */
async function secureIssuer(): Promise<URL> {
  const { cert, key } = authority.issue("issuer");
  const certificate = await Certificate.open({
    certFile: await write("tls.crt", cert),
    keyFile: await write("tls.key", key),
    clock: systemClock,
    onChange: () => undefined,
  });
  return new URL((await serve({ handler: issuerHere, certificate })).url.replace("http:", "https:"));
}

describe("openSource with a CA's file", () => {
  test("takes another one that is written over it; one that is torn changes nothing", async () => {
    const caFile = await write("ca.crt", another.cert);
    const source = await clientOf({ url: await secureIssuer(), caFile });
    expect(await source.ask(first, never)).toMatchObject({ kind: "away", code: "Unreachable", mayBeDone: false });
    await write("ca.crt", authority.cert);
    expect(await claimsBy(source)).toMatchObject({ sub: "dashboard" });
    for (const torn of ["", authority.cert.slice(0, 200)]) {
      await write("ca.crt", torn);
      expect(await claimsBy(source)).toMatchObject({ sub: "dashboard" });
    }
    await rm(caFile);
    expect(await claimsBy(source)).toMatchObject({ sub: "dashboard" });
    await write("ca.crt", another.cert);
    expect(await source.ask(first, never)).toMatchObject({ kind: "away", code: "Unreachable", mayBeDone: false });
  });

  test("that is no certificate, or is not there, asks nobody and says why", async () => {
    const source = await clientOf({ url: await secureIssuer(), caFile: await write("ca.crt", secret) });
    const answer = await source.ask(first, never);
    expect(answer).toMatchObject({ kind: "away", code: "CaUnreadable", mayBeDone: false });
    expect(answer).toHaveProperty("message", expect.stringContaining("must hold certificates in PEM"));
    await rm(join(dir, "ca.crt"));
    expect(await source.ask(first, never)).toHaveProperty("message", expect.stringContaining("is not there"));
  });

  test("without it trusts nobody of its own", async () => {
    const source = await clientOf({ url: await secureIssuer() });
    expect(await source.ask(first, never)).toMatchObject({ kind: "away", code: "Unreachable", mayBeDone: false });
  });
});

describe("openSource with a credential that can't be read", () => {
  test.each<[what: string, prepare: (path: string) => Promise<unknown>, says: string]>([
    ["not there", (path) => rm(path), "is not there"],
    ["empty", () => write("token", ""), "must hold one line of text"],
    ["of two lines", () => write("token", `${secret}\n${secret}`), "must hold one line of text"],
    ["too large", () => write("token", "x".repeat(1_048_577)), "must measure at most"],
  ])("%s is away, names the file, and asks nobody", async (_, prepare, says) => {
    const issuer = await serverThat(issuerHere);
    const path = await write("token", secret);
    await prepare(path);
    const source = open({ kind: "tokenFile", issuer, path });
    const answer = await source.ask(first, never);
    expect(answer).toMatchObject({ kind: "away", code: "CredentialUnreadable", mayBeDone: false });
    expect(answer).toHaveProperty("message", expect.stringContaining(says));
    expect(answer).toHaveProperty("message", expect.stringContaining(JSON.stringify(path)));
    expect(JSON.stringify(answer)).not.toContain(secret);
    expect(await source.credentialId()).toBeUndefined();
    expect(issuer.connections()).toBe(0);
  });

  test("a torn token is refused by the issuer, and the whole one is another credential", async () => {
    const issuer = await serverThat(issuerHere);
    const whole = world.foreign();
    const source = open({ kind: "tokenFile", issuer, path: await write("token", whole.slice(0, -20)) });
    const answer = await source.ask(first, never);
    expect(answer).toMatchObject({ kind: "denied", isTokenDead: true });
    expect(JSON.stringify(answer)).not.toContain(whole.slice(0, 20));
    const before = await source.credentialId();
    await write("token", whole);
    expect(await source.credentialId()).not.toBe(before);
  });
});

describe("openSource of somebody who does not answer as an issuer does", () => {
  const leak = "token-that-must-not-be-told";
  test.each<[what: string, answers: RequestListener, expected: object]>([
    [
      "429 with Retry-After",
      (_, answer) => answer.writeHead(429, { "retry-after": "120" }).end(),
      { code: "Status429", retryAfterMs: 120_000, mayBeDone: false },
    ],
    [
      "502 with a page",
      (_, answer) => answer.writeHead(502).end(`<html>${leak}</html>`),
      { code: "Status502", mayBeDone: true },
    ],
    [
      "403 with a page",
      (_, answer) => answer.writeHead(403).end(`<html>${leak}</html>`),
      { code: "Status403", mayBeDone: false },
    ],
    [
      "a redirect",
      (_, answer) => answer.writeHead(307, { location: `https://elsewhere.example/${leak}` }).end(),
      { code: "Status307", mayBeDone: false },
    ],
    [
      "200 with a page",
      (_, answer) => answer.end(`<html>${leak}</html>`),
      { code: "AnswerUnreadable", mayBeDone: true },
    ],
    [
      "200 without an end",
      (_, answer) => {
        const more = (): void => {
          if (!answer.destroyed) answer.write("x".repeat(65_536), more);
        };
        more();
      },
      { code: "AnswerUnreadable", mayBeDone: true },
    ],
    ["a cut connection", (asked) => asked.socket.destroy(), { code: "Unreachable", mayBeDone: true }],
    [
      "half an answer",
      (asked, answer) => {
        answer.writeHead(200, { "content-length": "100" }).write(`{"access_token":"${leak}`);
        setImmediate(() => asked.socket.destroy());
      },
      { code: "Unreachable", mayBeDone: true },
    ],
  ])("%s keeps everything", async (_, answers, expected) => {
    const source = await clientOf(await serverThat(answers));
    const answer = await source.ask(first, never);
    expect(answer).toMatchObject({ kind: "away", ...expected });
    expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${leak}|${secret}`));
  });

  test("nobody at all was asked nothing", async () => {
    const source = await clientOf({ url: new URL("http://127.0.0.1:1") });
    expect(await source.ask(first, never)).toMatchObject({ code: "Unreachable", mayBeDone: false });
  });

  test("the signal ends it", async () => {
    const stop = new AbortController();
    const source = await clientOf(await serverThat(() => stop.abort()));
    expect(await source.ask(first, stop.signal)).toMatchObject({ kind: "away", code: "Unreachable", mayBeDone: true });
  });
});

describe("openSource of a gateway's mint socket", () => {
  async function gateway(): Promise<string> {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    const path = join(dir, "mint.sock");
    await home.start({}, true, { mintListen: { kind: "unix", path } });
    await home.ports.mint;
    return path;
  }

  test("gets a token for the subject, of no refresh token", async () => {
    const source = open(
      { kind: "mintSocket", path: await gateway(), subject: "alice" },
      { scopes: ["a", "b"], accessTtlMs: 60_000 },
    );
    const answer = await source.ask(first, never);
    if (answer.kind !== "issued") throw new Error(answer.message);
    const { sub, scope, exp, iat } = claimsOf(answer.issued.accessToken);
    expect({ sub, scope, lives: Number(exp) - Number(iat) }).toEqual({ sub: "alice", scope: "a b", lives: 60 });
    expect(answer.issued).not.toHaveProperty("refreshToken");
    expect(answer.issued.serverNowMs).toBeGreaterThan(0);
    expect(await source.credentialId()).toBeDefined();
  });

  test("says what the gateway has against it, and is asked again", async () => {
    const source = open({ kind: "mintSocket", path: await gateway(), subject: "alice" }, { audiences: ["nobody"] });
    expect(await source.ask(first, never)).toMatchObject({ kind: "away", code: "AudienceUnknown", mayBeDone: false });
  });

  test("that is not there is away", async () => {
    const path = join(dir, "none.sock");
    const answer = await open({ kind: "mintSocket", path, subject: "alice" }).ask(first, never);
    expect(answer).toMatchObject({ kind: "away", code: "Unreachable", mayBeDone: false });
    expect(answer).toHaveProperty("message", expect.stringContaining(JSON.stringify(`unix:${path}`)));
  });

  test.each<[status: number, headers: Readonly<Record<string, string>>, expected: object]>([
    [503, { "retry-after": "1" }, { kind: "away", code: "NotReady", retryAfterMs: 1000, mayBeDone: false }],
    [403, {}, { kind: "denied", code: "NotReady", isTokenDead: false }],
    [200, {}, { kind: "away", code: "AnswerUnreadable" }],
  ])("that answers %d", async (status, headers, expected) => {
    const server = createServer((_, answer) => answer.writeHead(status, headers).end('{"code":"NotReady"}'));
    const path = join(dir, "fake.sock");
    server.listen(path);
    await once(server, "listening");
    onTestFinished(() => void server.close());
    expect(await open({ kind: "mintSocket", path, subject: "alice" }).ask(first, never)).toMatchObject(expected);
  });
});
