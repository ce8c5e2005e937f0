import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { describe, expect, onTestFinished, test } from "vitest";
import { openCallers } from "../../../src/issuer/callers/live-callers.ts";
import { hashSecret } from "../../../src/issuer/callers/scrypt-hash.ts";
import { surroundings } from "../support/foreign.ts";
import { provider } from "../support/provider.ts";
import { clientWith, fileWith, trustWith } from "../support/token-issuers.ts";
import { claimsAt, newKey, tokenOf } from "../support/tokens.ts";

const secret = "dashboard-secret-0123456789";
const shown = { id: "dashboard", secret };
const wrong = { kind: "refused", error: "invalid_client" };

/** A directory with a TokenIssuer file and what it names. */
function directory() {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-callers-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, "secrets"));
  const path = join(dir, "issuer.yaml");
  const write = (name: string, text: string): void => {
    writeFileSync(join(dir, `${name}.new`), text);
    renameSync(join(dir, `${name}.new`), join(dir, name));
  };
  return { dir, path, write, spec: (spec: object) => write("issuer.yaml", stringify(fileWith(spec))) };
}

async function opened(spec: object = { clients: [clientWith()] }) {
  const files = directory();
  files.write("secrets/dashboard", `${secret}\n`);
  files.spec(spec);
  const around = surroundings();
  const callers = await openCallers({ ...around, path: files.path });
  onTestFinished(() => callers.close());
  return { ...files, ...around, callers };
}

describe("openCallers", () => {
  test("knows clients by the files that the config names, from where it lies", async () => {
    const { callers, log } = await opened();
    expect(await callers.authenticate(shown)).toMatchObject({ kind: "client", clientId: "dashboard" });
    expect(log.lines).toEqual([`info {"clients":1,"trust":0} The token issuer's file is in force`]);
  });

  test("passes over documents of other kinds", async () => {
    const files = directory();
    files.write("issuer.yaml", `kind: JwtKeyRotation\n---\n${stringify(fileWith({}))}`);
    const callers = await openCallers({ ...surroundings(), path: files.path });
    expect(callers.config.name).toBe("issuer");
  });

  const client = { clients: [clientWith()] };
  const source = { jwksURL: "https://x.example/" };
  type Files = ReturnType<typeof directory>;
  /** The file, and one that it names. */
  const both = (spec: object, name: string, text: string) => (files: Files) => {
    files.write(name, text);
    files.spec(spec);
  };
  test.each<[what: string, prepare: (files: Files) => void, code: string, says: string]>([
    ["is not there", () => undefined, "FileUnreadable", 'issuer.yaml": must be a file, is not there'],
    ["is no YAML", ({ write }) => write("issuer.yaml", "a: [\n"), "ConfigUnreadable", "must be YAML or JSON"],
    [
      "holds another kind",
      ({ write }) => write("issuer.yaml", "kind: Secret\n"),
      "ConfigUnreadable",
      "must hold one TokenIssuer, has none",
    ],
    ["is refused", ({ spec }) => spec({ client: [] }), "InvalidTokenIssuer", 'unknown field "spec.client"'],
    [
      "names a secret that is not there",
      ({ spec }) => spec(client),
      "FileUnreadable",
      'secrets/dashboard": must be a file, is not there',
    ],
    [
      "names a secret that is a directory",
      ({ spec }) => spec({ clients: [clientWith({ secretFiles: ["secrets"] })] }),
      "FileUnreadable",
      "must be a regular file",
    ],
    [
      "names a secret that is too short",
      both(client, "secrets/dashboard", "dashboard-short"),
      "SecretUnfit",
      "must hold a secret of 16 to 1024 characters",
    ],
    [
      "names a secret of two lines",
      both(client, "secrets/dashboard", `${secret}\n${secret}`),
      "FileUnreadable",
      "must hold one line of text",
    ],
    [
      "names half a hash",
      both(client, "secrets/dashboard", "$scrypt$ln=14,r=8,p=1$dashboard-short"),
      "SecretUnfit",
      "must hold a whole scrypt hash",
    ],
    [
      "names a CA that is none",
      both({ trust: [trustWith({ ...source, caFile: "ca.crt" })] }, "ca.crt", secret),
      "FileUnfit",
      "must hold certificates in PEM",
    ],
    [
      "names a bearer token that is not there",
      ({ spec }) => spec({ trust: [trustWith({ ...source, bearerTokenFile: "none" })] }),
      "FileUnreadable",
      "none",
    ],
    [
      "asks for the cluster's API server outside of one",
      ({ spec }) => spec({ trust: [trustWith({ tokenReview: {} })] }),
      "NotInCluster",
      "tokenReview.server",
    ],
  ])("does not start with a file that %s", async (_what, prepare, ...[code, says]) => {
    const files = directory();
    prepare(files);
    const error: unknown = await openCallers({ ...surroundings(), path: files.path }).catch((one: unknown) => one);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(says);
    expect(String(error)).not.toContain("dashboard-s");
  });
});

describe("LiveCallers.reload", () => {
  test("a secret that is changed works with the next reload, and the one before no longer", async () => {
    const { callers, write } = await opened();
    await callers.authenticate(shown);
    write("secrets/dashboard", await hashSecret("another-secret-0123456789"));
    await callers.reload();
    expect(await callers.authenticate(shown)).toMatchObject(wrong);
    const next = { id: "dashboard", secret: "another-secret-0123456789" };
    expect(await callers.authenticate(next)).toMatchObject({ kind: "client" });
  });

  test("a bad file is refused and said once, the old one stays in force, and the good one again is said", async () => {
    const { callers, spec, log } = await opened();
    const before = callers.config;
    spec({ clients: [clientWith({ subject: "changed" })], trusts: [] });
    await callers.reload();
    await callers.reload();
    expect(callers.config).toBe(before);
    expect(callers.refused).toMatchObject({ code: "InvalidTokenIssuer" });
    expect(await callers.authenticate(shown)).toMatchObject({ subject: "dashboard" });
    const said = log.lines.filter((line) => line.startsWith("error"));
    expect(said).toEqual([
      `error {"code":"InvalidTokenIssuer"} The token issuer's file can't be used, the one before stays in force: unknown field "spec.trusts", did you mean "trust"?`,
    ]);
    spec({ clients: [clientWith()] });
    await callers.reload();
    expect(callers.refused).toBeUndefined();
    expect(callers.config).toBe(before);
    expect(log.lines.at(-1)).toBe("info {} The token issuer's file is the one in force again");
  });

  test("a file that vanishes, or a secret's, takes nothing away", async () => {
    const { callers, dir } = await opened();
    rmSync(join(dir, "secrets/dashboard"));
    await callers.reload();
    expect(callers.refused).toMatchObject({ code: "FileUnreadable" });
    rmSync(join(dir, "issuer.yaml"));
    await callers.reload();
    expect(await callers.authenticate(shown)).toMatchObject({ kind: "client" });
  });

  test("where nothing has changed, what was remembered stays: nothing is put in force anew", async () => {
    const { callers, log } = await opened();
    const before = callers.config;
    await callers.reload();
    expect(callers.config).toBe(before);
    expect(log.lines).toHaveLength(1);
  });

  test("an issuer whose keys come from where they came keeps them: a reload while it is away costs nobody", async () => {
    const source = await provider();
    const [key] = source.keys;
    const trust = { jwksURL: `${source.server}/jwks` };
    const { callers, spec, clock } = await opened({ trust: [trustWith(trust)] });
    const token = tokenOf(claimsAt(clock.nowMs()), key ?? newKey());
    expect(await callers.verify(token)).toMatchObject({ kind: "foreign", subject: "ext:anna" });
    await source.close();
    spec({ trust: [trustWith({ ...trust, maxAge: "1h" })] });
    await callers.reload();
    expect(callers.config.trust[0]?.maxAgeMs).toBe(3_600_000);
    expect(await callers.verify(token)).toMatchObject({ kind: "foreign", subject: "ext:anna" });
    spec({});
    await callers.reload();
    expect(await callers.verify(token)).toMatchObject({ kind: "refused", check: "issuer" });
    expect(clock.waits).toEqual([]);
  });

  test("a token that was exchanged once stays so over a reload", async () => {
    const key = newKey();
    const trust = { jwks: { keys: [key.publicJwk] }, singleUse: true };
    const { callers, spec, clock } = await opened({ trust: [trustWith(trust)] });
    const token = tokenOf(claimsAt(clock.nowMs()), key);
    expect(await callers.verify(token)).toMatchObject({ kind: "foreign" });
    spec({ retryWindow: "10s", trust: [trustWith(trust)] });
    await callers.reload();
    expect(callers.config.retryWindowMs).toBe(10_000);
    expect(await callers.verify(token)).toMatchObject({ kind: "refused", check: "single-use" });
  });
});

describe("LiveCallers.run", () => {
  test("sees a change by itself, also where the kernel says nothing; and ends with everything of its own", async () => {
    const { callers, spec, clock, log } = await opened();
    const stop = new AbortController();
    const run = callers.run(stop.signal);
    await clock.armed(10_000);
    spec({ clients: [clientWith({ subject: "changed" })] });
    await clock.advance(10_000);
    await log.heard("in force", 1);
    expect(callers.config.clients[0]?.subject).toBe("changed");
    stop.abort();
    await run;
    expect(clock.waits).toEqual([]);
  });
});
