import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseRefreshToken } from "../../../src/grants/refresh-token.ts";
import { keyRing } from "../../gateway/support/rings.ts";
import { basic, secret, specWith } from "../../issuer/api/support/world.ts";
import { IssuerHome } from "../../issuer/support/issuer-home.ts";
import { claimsAt, newKey, tokenOf } from "../../issuer/support/tokens.ts";
import { fileWith } from "../../issuer/support/token-issuers.ts";
import { secretsOf } from "../../support/keys.ts";
import { IssuerProgram } from "./issuer-program.ts";

/** What the test itself put there, and what only the keeper of the keys writes. */
const given = ["issuer.json", "dashboard", "signer"];
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Every file that the issuer wrote, by its name. */
async function filesIn(dir: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const ours = files
    .map((path) => path.slice(dir.length + 1))
    .filter((path) => !given.includes(path.split("/")[0] ?? ""));
  return new Map(await Promise.all(ours.map(async (path) => [path, await readFile(join(dir, path))] as const)));
}

/** As it is, and as a program may have written it. */
function formsOf(text: string): readonly (string | Buffer)[] {
  const token = parseRefreshToken(text);
  if (token === undefined) return [text, ...(text.split(".").length === 3 ? [text.split(".")[2] ?? ""] : [])];
  const bytes = Buffer.from(token.secret);
  return [text, bytes, bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("base64")];
}

test("an issuer writes no token, secret or key anywhere: log, metrics, answers to what is wrong, files", async () => {
  const foreign = newKey();
  const home = await IssuerHome.make();
  const client = { allow: { audiences: ["api"], scopes: ["read"], introspect: true } };
  await home.allow(fileWith(specWith({ client, trust: { jwks: { keys: [foreign.publicJwk] } } })));
  await home.writes({ generation: 5 });
  const from = ["--dir", home.dir, "--instance", "one", "--config", home.config];
  const store = ["--store", `sqlite:${join(home.dir, "grants.db")}`];
  const program = await IssuerProgram.begin({ args: ["issuer", ...from, ...store, "--log-level", "debug"] });
  onTestFinished(async () => {
    await program.end();
  });
  const tokens: string[] = [];
  const refusals: string[] = [];
  /** Sends it; remembers each token that comes, and each answer to what is wrong. */
  async function send(path: string, init: RequestInit): Promise<Readonly<Record<string, string>>> {
    const answer = await fetch(`${program.address}${path}`, { method: "POST", ...init });
    const text = await answer.text();
    if (!answer.ok) refusals.push(JSON.stringify([...answer.headers]) + text);
    const fields = (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, string>>;
    for (const name of ["access_token", "refresh_token", "accessToken", "refreshToken"]) {
      const token = fields[name];
      if (token !== undefined) tokens.push(token);
    }
    return fields;
  }
  const form = (path: string, fields: Readonly<Record<string, string>>, authorization?: string) =>
    send(path, {
      body: new URLSearchParams(fields),
      ...(authorization !== undefined && { headers: { authorization } }),
    });
  const json = (path: string, body: string, authorization: string) =>
    send(path, { body, headers: { "content-type": "application/json", authorization } });

  const [guess, assertion] = ["a guess at the secret of somebody", tokenOf(claimsAt(Date.now()), foreign)];
  const pair = await form("/oauth2/token", { grant_type: "client_credentials" }, basic());
  const { access_token: access = "", refresh_token: refresh = "" } = pair;
  await form("/oauth2/token", { grant_type: "client_credentials" }, basic("dashboard", guess));
  await form("/oauth2/token", { grant_type: jwtBearer, assertion });
  const bad = [`${assertion}x`, tokenOf({ ...claimsAt(Date.now()), exp: 1 }, foreign), `${access}x`];
  for (const one of bad) await form("/oauth2/token", { grant_type: jwtBearer, assertion: one });
  for (let n = 0; n < 3; n++) await form("/oauth2/token", { grant_type: "refresh_token", refresh_token: refresh });
  await json("/v1/tokens/agent", '{"agentId":"a"}', `Bearer ${access}`);
  const second = tokens.findLast((one) => one.startsWith("ktr_")) ?? "";
  for (const body of [
    `{"refreshToken":"${second}","x":1}`,
    `{"refreshToken":"${second}"`,
    `{"refreshToken":"${second}x"}`,
  ]) {
    await json("/v1/tokens/refresh", body, `Bearer ${second}`);
  }
  await json(`/v1/tokens/${second}?token=${access}`, "{}", `Bearer ${access}`);
  await json(`/v1/tokens/refresh?token=${access}`, "{}", `Bearer ${access}`);
  for (const token of [access, refresh, second]) await form("/oauth2/introspect", { token }, basic());
  await form("/oauth2/revoke", { token: access }, basic());
  await form("/oauth2/revoke", { token: refresh }, basic());
  await form("/oauth2/token", { grant_type: "refresh_token", refresh_token: refresh });
  const metrics = await (await fetch(`${program.admin}/metrics`)).text();
  const readyz = await (await fetch(`${program.admin}/readyz`)).text();
  // As it lies there after a crash: with the log of the database
  await program.end("SIGKILL");

  const written = new Map([
    ...(await filesIn(home.dir)),
    ...Object.entries({ log: program.said, metrics, readyz, refusals: refusals.join("\n") }).map(
      ([name, text]): [string, Buffer] => [name, Buffer.from(text)],
    ),
  ]);
  const keys = [
    ...secretsOf(keyRing({ generation: 5 }).materials.values()),
    foreign.privateKey.export({ format: "jwk" }).d ?? "",
  ];
  const secrets = [secret, guess, basic().slice(6), assertion, ...bad, ...tokens, ...keys];
  expect(tokens.length).toBeGreaterThanOrEqual(12);
  expect(refusals.length).toBeGreaterThanOrEqual(8);
  expect([...written.keys()]).toEqual(expect.arrayContaining(["grants.db", "grants.db-wal", "acks/one.json", "log"]));
  expect(written.get("log")?.includes('"level":"debug"')).toBe(true);
  const found = [...written].flatMap(([name, bytes]) =>
    secrets
      .filter((one) => formsOf(one).some((form) => bytes.includes(form)))
      .map((one) => `${name}: ${one.slice(0, 8)}`),
  );
  expect(found).toEqual([]);
});
