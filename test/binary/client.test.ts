import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";
import { root, run } from "../../hack/run.ts";
import { portOf } from "../../src/http/address.ts";
import { InstalledClient } from "./support/installed-client.ts";
import { Keyturn, save, Standalone } from "./support/keyturn.ts";
import { RingWatch } from "./support/ring-watch.ts";
import { Verifier } from "./support/verifier.ts";

const execute = promisify(execFile);
const issuer = "https://issuer.example";

/** A gateway on a directory of its own: real keys, a real JWKS, real tokens. */
class Gateway {
  readonly dir: string;
  readonly port: number;
  readonly mintPort: number;
  readonly #folder: string;
  readonly #keyturn: Keyturn;
  readonly #standalone: Standalone;
  watch!: RingWatch;

  private constructor(keyturn: Keyturn, folder: string, ports: readonly [number, number]) {
    [this.port, this.mintPort] = ports;
    this.#folder = folder;
    this.dir = join(folder, "keys");
    this.#keyturn = keyturn;
    const faces = ["--gateway", `--listen=127.0.0.1:${this.port}`, `--mint-listen=127.0.0.1:${this.mintPort}`];
    const where = ["--dir", this.dir, "--config", join(folder, "rotation.yaml")];
    this.#standalone = new Standalone(keyturn, [...where, ...faces, "--admin-listen=127.0.0.1:0"]);
  }

  static async begin(): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-verify-"));
    const gateway = new Gateway(await Keyturn.build(), folder, [await freePort(), await freePort()]);
    await save(
      join(folder, "rotation.yaml"),
      `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: { name: client-test }
spec:
  rotation: { interval: 0s }
  propagation: { minimum: 1s }
  tokens: { issuer: "${issuer}", audiences: [api], maxTTL: 60s, clockSkew: 0s }
  rotationWindow: 60s
`,
    );
    gateway.#standalone.start();
    gateway.watch = await RingWatch.over(join(gateway.dir, "public"), () => gateway.#standalone.health());
    return gateway;
  }

  get jwksURL(): string {
    return `http://127.0.0.1:${this.port}/.well-known/jwks.json`;
  }

  /** Once it is ready. */
  async mint(): Promise<string> {
    const deadline = AbortSignal.timeout(120_000);
    const headers = { "content-type": "application/json" };
    const asked = { method: "POST", headers, body: JSON.stringify({ sub: "alice" }) };
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${this.mintPort}/token`, asked).catch(() => undefined);
      if (answer?.ok === true) return ((await answer.json()) as { token: string }).token;
      if (answer !== undefined && answer.status !== 503) throw new Error(`no token: ${await answer.text()}`);
      deadline.throwIfAborted();
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }

  /** Once it signs with another key. */
  async mintAnew(kid: string): Promise<string> {
    for (;;) {
      const token = await this.mint();
      if (kidOf(token) !== kid) return token;
    }
  }

  async command(...args: readonly string[]): Promise<void> {
    await this.#keyturn.run([...args, "--dir", this.dir]);
  }

  async end(): Promise<void> {
    this.watch.close();
    await this.#standalone.stop();
    await rm(this.#folder, { recursive: true, force: true });
    await this.#keyturn.remove();
  }
}

let client: InstalledClient;
let gateway: Gateway;

beforeAll(async () => {
  [client, gateway] = await Promise.all([InstalledClient.install(), Gateway.begin()]);
}, 120_000);

afterAll(async () => {
  await client.remove();
  await gateway.end();
});

/** Every Node.js that the client is for, as far as it is here. */
const nodes = [process.execPath, process.env["KEYTURN_NODE22"]].filter((path) => path !== undefined);

const kidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { kid: string }).kid;

describe("the package", () => {
  test("has the modules, their types, and nothing else", () => {
    const modules = ["js", "cjs", "d.ts", "d.cts"].flatMap((extension) => [
      `index.${extension}`,
      `sessions.${extension}`,
      `verify.${extension}`,
    ]);
    expect([...client.files].sort()).toEqual([...modules, "LICENSE", "README.md", "package.json"].sort());
  });

  test("has the version of Keyturn, and installs nothing beside itself", async () => {
    const manifest = JSON.parse(
      await readFile(join(client.folder, "node_modules/@keyturn/client/package.json"), "utf8"),
    ) as object;
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    expect(manifest).toMatchObject({ name: "@keyturn/client", version, sideEffects: false });
    expect(Object.keys(manifest).filter((name) => /ependencies|scripts|bin/.test(name))).toEqual([]);
    const installed = (await readdir(join(client.folder, "node_modules"))).filter((name) => !name.startsWith("."));
    expect(installed).toEqual(["@keyturn"]);
  });

  test.each(["index", "verify"])("takes nothing but modules of Node.js: %s", async (module) => {
    const text = await readFile(join(client.folder, `node_modules/@keyturn/client/${module}.js`), "utf8");
    const from = [...text.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(from).toContain("node:crypto");
    expect(from.filter((name) => name?.startsWith("node:") !== true)).toEqual([]);
  });
});

test("sessions takes no module at all: a browser has none of Node.js", async () => {
  const text = await readFile(join(client.folder, "node_modules/@keyturn/client/sessions.js"), "utf8");
  expect(text).toMatch(/\bSessionClient = class\b/);
  expect(text).not.toMatch(/^import |\bimport\(|\brequire\(/m);
});

const use = (load: string): string => `
${load}
const [jwksURL, token] = process.argv.slice(2);
(async () => {
  const verifier = await openVerifier({ jwksURL }, { issuer: "${issuer}", audience: "api" });
  console.log(JSON.stringify([await verifier.verify(token), await verifier.verify(token + "x")]));
})();
// Not closed: what goes on in the background is no reason to go on
`;

describe.each(nodes)("a service on %s", (node) => {
  test.each([
    ["service.mjs", 'import { openVerifier } from "@keyturn/client/verify";'],
    ["service.cjs", 'const { openVerifier } = require("@keyturn/client/verify");'],
  ])("in %s judges a gateway's tokens by its JWKS, and ends by itself", async (name, load) => {
    const program = await client.write(name, use(load));
    const token = await gateway.mint();
    const { stdout, stderr } = await execute(node, [program, gateway.jwksURL, token], { timeout: 120_000 });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject([
      { ok: true, kid: kidOf(token), claims: { iss: issuer, aud: "api" } },
      { ok: false, reason: "Malformed" },
    ]);
  });

  test("goes on while a token waits for keys, and ends after that", async () => {
    // Copies of this set are good for no time: an unknown key is looked for a second after the last look
    const server = createServer((_, response) => {
      response.writeHead(200, { "cache-control": "no-store" }).end('{"keys":[]}');
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const program = await client.write("waiting.mjs", use('import { openVerifier } from "@keyturn/client/verify";'));
    const url = `http://127.0.0.1:${portOf(server)}`;
    const { stdout } = await execute(node, [program, url, await gateway.mint()], { timeout: 120_000 });
    server.close();
    expect(JSON.parse(stdout)).toMatchObject([{ reason: "KidUnknown" }, { reason: "KidUnknown" }]);
  });

  test("goes through rotations without one token refused, and refuses a revoked key's", async () => {
    const program = await client.place("verifier-keyturn.mjs");
    const verifiers = [gateway.jwksURL, join(gateway.dir, "public")].map(
      (source) => new Verifier({ name: source, caches: true }, [node, program, source, issuer, "api"]),
    );
    const judged = async (token: string): Promise<readonly string[]> =>
      (await Promise.all(verifiers.map((verifier) => verifier.ask(token)))).map(({ verdict }) => verdict);
    try {
      const tokens: string[] = [];
      for (let rotations = 0; rotations < 3; rotations++) {
        const before = await gateway.mint();
        await gateway.command("rotate", "--wait", "--timeout", "120s");
        const after = await gateway.mintAnew(kidOf(before));
        tokens.push(before, after);
        for (const token of tokens) expect(await judged(token)).toEqual(["valid", "valid"]);
      }
      const [revoked = ""] = tokens;
      await gateway.command("revoke", kidOf(revoked), "--reason", "a test", "--wait", "--timeout", "120s");
      await expect.poll(() => judged(revoked)).toEqual(["unknown kid", "unknown kid"]);
      expect(await judged(tokens.at(-1) ?? "")).toEqual(["valid", "valid"]);
    } finally {
      for (const verifier of verifiers) await verifier.end();
    }
  });
});

const typed = `
import { TokenKeeper, type TokenSource } from "@keyturn/client";
import { openVerifier, refusalReasons, type TokenVerdict, type VerifierOptions } from "@keyturn/client/verify";
const options: VerifierOptions = { issuer: "a", audience: ["b"], algorithms: ["ES256"], onEvent: ({ kind }) => { const it: "keys" | "unavailable" | "passedOver" = kind; void it; } };
export async function subjectOf(token: string): Promise<string | undefined> {
  const verifier = await openVerifier({ directory: "/keys" }, options);
  const verdict: TokenVerdict = await verifier.verify(token, { scopes: ["read"] });
  verifier.close();
  if (!verdict.ok) return refusalReasons.find((one) => one === verdict.reason);
  const { sub } = verdict.claims;
  return typeof sub === "string" ? sub : undefined;
}
const source: TokenSource = {
  tokenURL: "https://issuer.example/oauth2/token",
  credential: { kind: "client", clientId: "orders", secret: "s" },
  refreshTtlSeconds: 2592000,
};
export async function order(): Promise<number> {
  const keeper = new TokenKeeper(source);
  const { status } = await keeper.authorized()("https://api.example/orders", { method: "POST" });
  await keeper.close();
  return status;
}
`;
const wrong = `
import { openVerifier } from "@keyturn/client/verify";
void openVerifier({ directory: "/keys", jwksURL: 5 }, { issuer: "a", audience: "b" });
void openVerifier({ directory: "/keys" }, { issuer: "a" });
void openVerifier({ directory: "/keys" }, { issuer: "a", audience: "b", algorithms: ["HS256"] });
void openVerifier({ directory: "/keys" }, { issuer: "a", audience: "b" }).then(async (one) => (await one.verify("")).claims);
`;

describe("its types", () => {
  const check = async (moduleResolution: string, text: string, ...files: readonly string[]) => {
    const paths = await Promise.all(files.map((file) => client.write(file, text)));
    const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const modules = ["--module", module, "--moduleResolution", moduleResolution, "--ignoreConfig"];
    return run([
      ...(["tsc", "--noEmit", "--strict", "--target", "es2022", "--pretty", "false"] as const),
      ...[...modules, ...types, ...paths],
    ]);
  };

  test.each([
    ["node16", ["service.mts", "service.cts"]],
    ["nodenext", ["service.mts", "service.cts"]],
    ["bundler", ["service.ts"]],
  ])("fit a strict program by %s in %j", async (moduleResolution, files) => {
    expect(await check(moduleResolution, typed, ...files)).toMatchObject({ code: 0, output: "" });
  });

  test("refuse what would be refused at the start", async () => {
    const { output } = await check("nodenext", wrong, "wrong.mts");
    expect([...output.matchAll(/wrong\.mts\((\d),/g)].map(([, line]) => line)).toEqual(["3", "4", "5", "6"]);
  });
});
