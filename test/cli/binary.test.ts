import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { StatusDocument } from "../../src/ring/status.ts";

// Each test starts processes, which takes its time on a busy machine
vi.setConfig({ testTimeout: 300_000 });

const main = join(import.meta.dirname, "../../src/cli/main.ts");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

class Program {
  readonly #child;
  /** All that it said has come by then. */
  readonly #closed;
  #out = "";
  #err = "";

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const clean = Object.entries(process.env).filter(
      ([name]) => !/^(KEYTURN_|NO_COLOR|FORCE_COLOR|COLUMNS)/.test(name),
    );
    this.#child = spawn(process.execPath, [main, ...args], {
      env: { ...Object.fromEntries(clean), TZ: "UTC", ...env },
    });
    this.#closed = once(this.#child, "close");
    this.#child.stdout.on("data", (chunk: Buffer) => (this.#out += chunk.toString()));
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#err += chunk.toString()));
    programs.push(this);
  }

  input(text: string): this {
    this.#child.stdin.end(text);
    return this;
  }

  kill(signal: NodeJS.Signals): this {
    this.#child.kill(signal);
    return this;
  }

  async ended(): Promise<Ended> {
    await this.#closed;
    return { code: this.#child.exitCode, out: this.#out, err: this.#err };
  }

  /** Resolves when the error stream has had the text. */
  async says(text: string): Promise<void> {
    while (!this.#err.includes(text)) {
      if (this.#child.exitCode !== null) throw new Error(`ended without saying "${text}": ${this.#err}`);
      await once(this.#child.stderr, "data");
    }
  }
}

const programs: Program[] = [];
const keyturn = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> =>
  new Program(args, env).input("").ended();

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill("SIGKILL").ended();
});

describe("keyturn", () => {
  test("prints help on standard output, and errors on standard error", async () => {
    const [help, wrong] = await Promise.all([keyturn(["--help"]), keyturn(["stauts"])]);
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toMatch(/^Usage: keyturn/);
    expect(wrong).toEqual({
      code: 2,
      out: "",
      err: 'keyturn: error: unknown command "stauts"\nkeyturn: hint: did you mean status?\n',
    });
  });

  test("has the version of its package", async () => {
    const { code, out } = await keyturn(["version", "-o", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      node: process.version,
    });
  });

  test("needs to know which rotation is meant, and says so if it is not there", async () => {
    // Nobody's home: no kubeconfig there
    const nowhereElse = { HOME: "/nowhere", KUBECONFIG: "", KUBERNETES_SERVICE_HOST: "" };
    const [none, nowhere, file, empty, both] = await Promise.all([
      keyturn(["status"], nowhereElse),
      keyturn(["status", "--dir", "/nowhere"]),
      keyturn(["status", "--dir", main]),
      keyturn(["status"], { ...nowhereElse, KEYTURN_DIR: "" }),
      keyturn(["status", "--namespace", "shop"], { KEYTURN_DIR: "/nowhere" }),
    ]);
    expect(none.code).toBe(1);
    expect(none.err).toContain('Cannot find a kubeconfig: must be there, is not: "/nowhere/.kube/config"');
    expect(none.err).toContain("--dir DIR is for a rotation in a directory");
    expect(empty).toEqual(none);
    expect(both.code).toBe(2);
    expect(both.err).toContain(
      'Cannot use --dir "/nowhere" (or KEYTURN_DIR) with --namespace: must be a rotation in a',
    );
    expect(nowhere.code).toBe(1);
    expect(nowhere.err).toContain('Cannot use --dir "/nowhere": must be a directory, is not there');
    expect(file.err).toContain("must be a directory, is a file");
  });

  test("says in words why a file can't be read", async () => {
    const { code, err } = await keyturn(["plan", "--spec", "/nowhere.yaml", "--dir", "/nowhere"]);
    expect(code).toBe(1);
    expect(err).toContain('Cannot read "/nowhere.yaml": must be a readable file, is not there');
  });

  test("paints a pipe only when it is forced to", async () => {
    const [plain, forced] = await Promise.all([keyturn(["stauts"]), keyturn(["stauts"], { FORCE_COLOR: "1" })]);
    expect(plain.err).not.toContain("\u001b");
    expect(forced.err).toContain("\u001b[1;31merror:");
  });
});

describe("keyturn standalone, and the tools on its directory", () => {
  let dir = "";
  const flags = ["--issuer", "https://issuer.example", "--audience", "api,admin", "--propagation-minimum", "0s"];
  const start = (...more: readonly string[]): Program =>
    new Program(["standalone", "--dir", dir, ...flags, "--interval", "0s", "--max-ttl", "1m", ...more]);
  const on = (...args: readonly string[]): Promise<Ended> => keyturn(args, { KEYTURN_DIR: dir });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "keyturn-cli-"));
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  test("rotates, rolls back, revokes, mints and verifies, and ends cleanly", async () => {
    const rotation = start();
    await rotation.says("is published");
    expect(await on("wait", "--for=Ready", "--timeout", "2m")).toMatchObject({ code: 0 });
    const first = await documentOf();
    const { out: token } = await on("token", "mint", "--sub", "alice", "--audience", "admin");

    const rotate = await on("rotate", "--wait", "--timeout", "2m");
    expect(rotate).toMatchObject({ code: 0, out: expect.stringContaining("Rotated: key ") as string });
    expect(rotate.err).toMatch(/^\d\d:\d\d:\d\d {2}active {7}key \S+ signs now$/m);
    const second = await documentOf();
    expect(second.status.activeKid).not.toBe(first.status.activeKid);

    const verdict = await new Program(["token", "verify", "-d", dir]).input(token).ended();
    expect(verdict).toMatchObject({ code: 0, out: expect.stringContaining('valid for "alice"') as string });
    const jwks = JSON.parse((await on("jwks")).out) as { keys: { kid: string }[] };
    expect(jwks.keys.map(({ kid }) => kid)).toEqual(second.status.keys.map(({ kid }) => kid));

    expect(await on("rollback", "--wait", "--timeout", "2m")).toMatchObject({ code: 0 });
    expect((await documentOf()).status.activeKid).toBe(first.status.activeKid);
    expect(await on("rollback", "--unpin")).toMatchObject({ code: 0 });

    const kid = first.status.activeKid?.slice(0, 8) ?? "";
    const revoke = await on("revoke", kid, "--reason", "laptop stolen", "--wait", "--timeout", "2m");
    expect(revoke).toMatchObject({ code: 0, out: expect.stringContaining("Revoked: ") as string });
    const refused = await on("token", "verify", token.trim());
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("refused, KeyRevoked") as string });
    expect(refused.out).not.toContain(token.trim());

    const ended = await rotation.kill("SIGTERM").ended();
    expect(ended).toMatchObject({ code: 0, out: "" });
    expect(ended.err).toMatch(/"msg":"stopped, as asked: [^\n]*\n$/);
    for (const text of ended.err.trimEnd().split("\n")) {
      expect(JSON.parse(text)).toMatchObject({
        level: expect.any(String) as string,
        msg: expect.any(String) as string,
      });
    }
  });

  const documentOf = async (): Promise<StatusDocument> =>
    JSON.parse((await on("status", "-o", "json")).out) as StatusDocument;

  test("shows the directory when nobody runs on it, in plain ASCII on a pipe", async () => {
    const { code, out } = await on("status");
    expect(code).toBe(0);
    expect(out).toMatch(/^[ -~\n]*$/);
    expect(out).toContain(`default/keyturn  directory ${dir}`);
    expect(out).toContain("laptop stolen");
  });

  test("logs for people when it is told to, and ends on SIGINT with 0", async () => {
    const rotation = start("--log-format", "text", "--log-level", "debug", "--max-ttl", "50s");
    await rotation.says("settings change");
    const { code, err } = await rotation.kill("SIGINT").ended();
    expect(code).toBe(0);
    expect(err).toMatch(/INFO: settings change: tokens live 50s at most/);
    expect(err).not.toContain("\u001b");
  });

  test("refuses a second process on the directory, and names the first", async () => {
    const rotation = start("--log-level", "debug");
    await rotation.says("{");
    const { code, err } = await start().ended();
    expect(code).toBe(1);
    expect(err).toContain(`Cannot run on "${dir}": must be the only process there`);
    expect(err).toContain("keyturn: hint: one process at a time");
  });

  test("reads its config again on SIGHUP, and goes on", async () => {
    const file = join(dir, "rotation.json");
    const spec = { tokens: { issuer: "https://issuer.example", audiences: ["api"], maxTTL: "1m" } };
    const config = (metadata: object) => ({
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata,
      spec,
    });
    await writeFile(file, JSON.stringify(config({ name: "keyturn" })));
    const other = await mkdtemp(join(tmpdir(), "keyturn-hup-"));
    const rotation = new Program(["standalone", "--dir", other, "--config", file]);
    await rotation.says("is published");
    await rotation.kill("SIGHUP").says("SIGHUP: reads its files again");
    expect(await keyturn(["wait", "--for=Ready", "--timeout", "2m", "--dir", other])).toMatchObject({ code: 0 });
    expect(await rotation.kill("SIGTERM").ended()).toMatchObject({ code: 0 });
    await rm(other, { recursive: true, force: true });
  });

  test("ends in good order on SIGHUP where there is no config, and takes its gateway's ack along", async () => {
    const rotation = start("--gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
    await rotation.says('"msg":"ready"');
    const { code, err } = await rotation.kill("SIGHUP").ended();
    expect(code).toBe(0);
    expect(err).toContain("draining");
    expect(await readdir(join(dir, "acks"))).toEqual([]);
  });

  test("a SIGHUP after another signal cuts no end short", async () => {
    const rotation = start("--gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
    await rotation.says('"msg":"ready"');
    expect(await rotation.kill("SIGTERM").kill("SIGHUP").ended()).toMatchObject({ code: 0 });
  });

  test("makes nothing when the flags are wrong", async () => {
    const other = join(dir, "other");
    expect(await keyturn(["standalone", "--dir", other, "--interval", "10"])).toMatchObject({ code: 2 });
    expect(await readdir(dir)).not.toContain("other");
  });

  test("refuses a bad config file with all its problems", async () => {
    const file = join(dir, "bad.yaml");
    await writeFile(file, "apiVersion: keyturn.dev/v1alpha1\nkind: JwtKeyRotation\nmetadata: {name: x}\nspec: {}\n");
    const { code, err } = await keyturn(["standalone", "--dir", join(dir, "other"), "--config", file]);
    expect(code).toBe(1);
    expect(err).toContain("Cannot use the JwtKeyRotation:\n  spec.tokens.issuer: must be set, is missing\n");
  });
});
