import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Command } from "commander";
import { examplesOf } from "../../src/cli/flags.ts";
import { allOf, buildProgram } from "../../src/cli/program.ts";
import { ChangeNeededError, RuleError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import { pairOf } from "../support/keys.ts";
import { hour } from "../support/story.ts";
import { pipe, terminal } from "../tools/support/fake-io.ts";
import { kidOf, StoryHome } from "../tools/support/story-home.ts";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const rotated = (): StoryHome => StoryHome.settled({ schedule: { kind: "interval", everyMs: 6 * hour } }).run(7 * hour);

const program = await buildProgram(
  {
    io: new FakeCli().io,
    name: "keyturn",
    version: "",
    platform: { node: "", system: "" },
    logIsLive: false,
    openHome: () => Promise.reject(new Error("not here")),
    openShown: () => Promise.reject(new Error("not here")),
    readFile: () => Promise.reject(new Error("not here")),
    readInput: () => Promise.reject(new Error("not here")),
    readSecret: () => Promise.reject(new Error("not here")),
    monotonicMs: () => 0,
    env: {},
    hostname: "host",
    chance: () => 0.5,
    rereadOn: () => undefined,
    relaySignals: () => () => undefined,
  },
  () => undefined,
);
/** What only has others below it has no examples. */
const commands = allOf(program).filter((command) => examplesOf(command).length > 0);
const pathOf = (command: Command): readonly string[] =>
  command.parent ? [...pathOf(command.parent), command.name()] : [];

describe("help", () => {
  test("lists every command and what the exit codes mean", async () => {
    const cli = new FakeCli();
    expect(await cli.run("--help")).toBe(0);
    for (const command of program.commands) expect(cli.io.out.text).toContain(`  ${command.name()}`);
    expect(cli.io.out.text).toContain("  3  refused by a rule of the rotation");
    expect(cli.io.err.text).toBe("");
  });

  test.each(commands.map((command) => [pathOf(command).join(" "), command] as const))(
    "of %s has examples and environment names",
    async (path, command) => {
      const cli = new FakeCli();
      expect(await cli.run(...pathOf(command), "--help")).toBe(0);
      const text = cli.io.out.text.replaceAll(/\s+/g, " ");
      expect(text).toContain(`Usage: keyturn ${path}`);
      expect(text).toMatch(/Examples: # .* keyturn /);
      for (const { envVar, long } of command.options) {
        expect(envVar).toMatch(/^KEYTURN_[A-Z_]+$/);
        expect(text).toContain(long);
        expect(text).toContain(envVar);
      }
    },
  );

  test.each([
    ["tokens", /^What a token must have[^]*kid +names a key[^]*More: docs\/tokens\.md\n$/],
    ["rotation", /^How a key comes and goes[^]*quiesce +/],
    ["exit-codes", /^Exit codes[^]*\n +4 +timed out\n/],
    ["environment", /^Environment[^]*NO_COLOR takes colours away/],
    ["status", /^Usage: keyturn status/],
    ["token verify", /^Usage: keyturn token verify/],
    ["", /^Usage: keyturn \[options\]/],
  ])("explains %j", async (words, text) => {
    const cli = new FakeCli();
    expect(await cli.run("help", ...words.split(" ").filter((word) => word !== ""))).toBe(0);
    expect(cli.io.out.text).toMatch(text);
    expect(cli.io.out.text).not.toMatch(/.{101}/);
  });

  test.each([
    ["tokns", 'Cannot explain "tokns": must be a command or a topic; did you mean tokens?'],
    ["stauts", 'Cannot explain "stauts": must be a command or a topic; did you mean status?'],
    ["token mnit", 'Cannot explain "mnit": must be a command below token; did you mean mint?'],
  ])("knows no %s", async (words, error) => {
    const cli = new FakeCli();
    expect(await cli.run("help", ...words.split(" "))).toBe(2);
    expect(cli.io.err.text).toContain(error);
  });

  test("has the name that the program was called by", async () => {
    const cli = new FakeCli();
    cli.name = "kubectl keyturn";
    await cli.run("token", "verify", "--help");
    expect(cli.io.out.text).toContain("Usage: kubectl keyturn token verify");
    expect(cli.io.out.text).toContain(
      "  kubectl keyturn token mint --sub me -d DIR | kubectl keyturn token verify -d DIR",
    );
    expect(cli.io.out.text).not.toMatch(/(^|[|] )keyturn /m);
  });

  test("fits into the terminal", async () => {
    const cli = new FakeCli(undefined, { look: { ...pipe, columns: 70 } });
    await cli.run("status", "--help");
    const [options = ""] = cli.io.out.text.split("Examples:");
    expect(Math.max(...options.split("\n").map((text) => text.length))).toBeLessThanOrEqual(70);
  });
});

describe("a wrong command line ends with 2, and says what is wrong", () => {
  const cases: readonly (readonly [args: string, error: string, hint: string])[] = [
    ["", "a command is missing", "--help lists the commands"],
    ["token", "a command is missing", "--help lists the commands"],
    ["stauts", 'unknown command "stauts"', "did you mean status?"],
    ["token mnit", 'unknown command "mnit"', "did you mean mint?"],
    ["frobnicate", 'unknown command "frobnicate"', "--help shows what there is"],
    ["status --wach", 'unknown option "--wach"', "did you mean --watch?"],
    [
      "revoke -kid-of-an-adopted-key",
      'unknown option "-kid-of-an-adopted-key"',
      "a kid or a grant that begins with a dash goes after --: keyturn revoke --reason stolen -- -kid",
    ],
    ["status one two", 'too many arguments for "status". Expected 1 argument but got 2', "--help shows what there is"],
    [
      "status -o xml",
      'Cannot use --output "xml": must be json, yaml, wide, name or jsonpath=TEMPLATE',
      "--help shows examples",
    ],
    ["plan -o wide", 'Cannot use --output "wide": must be json, yaml', "--help shows examples"],
    [
      "plan --at tomorrow",
      'Cannot use --at "tomorrow": must be an instant such as 2026-11-21T10:00:00Z',
      "--help shows examples",
    ],
    ["rotate --timeout soon", 'Cannot use --timeout "soon": must look like 90m, 1h30m or 45s', "--help shows examples"],
    [
      "rotate --wait --dry-run",
      'option "--dry-run" cannot be used with option "-w, --wait"',
      "--help shows what there is",
    ],
    [
      "rollback --unpin --to abcdefgh",
      'option "--unpin" cannot be used with option "--to <kid>"',
      "--help shows what there is",
    ],
    ["wait", 'required option "--for <what>" not specified', "--help shows what there is"],
    ["revoke", "Cannot revoke: must have either a kid or --created-before", "--help shows examples"],
    [
      "revoke abcdefgh gateway --created-before now",
      "Cannot revoke: must have either a kid or --created-before",
      "--help shows examples",
    ],
    ["revoke abcdefgh", 'Cannot revoke "abcdefgh": must have a --reason', "--help shows examples"],
    [
      "revoke --created-before yesterday",
      'Cannot use --created-before "yesterday": must be an instant such as 2026-11-21T10:00:00Z',
      "--help shows examples",
    ],
    ["token mint", 'required option "--sub <subject>" not specified', "--help shows what there is"],
    ["token mint --sub a --claim b", 'Cannot use --claim "b": must be name=value', "--help shows examples"],
    ["token mint --sub a --type dpop", 'Cannot use --type "dpop": must be JWT, at+jwt', "--help shows examples"],
    ["standalone", "Cannot run: must have --dir", "--help shows examples"],
    [
      "standalone --config a --issuer b",
      'option "--issuer <url>" cannot be used with option "-c, --config <file>"',
      "--help shows what there is",
    ],
    [
      "standalone --log-level loud",
      'Cannot use --log-level "loud": must be debug, info, warn, error, silent',
      "--help shows examples",
    ],
  ];

  test.each(cases)("%s", async (args, error, hint) => {
    const cli = new FakeCli();
    expect(await cli.run(...args.split(" ").filter((arg) => arg !== ""))).toBe(2);
    expect(cli.io.err.text).toBe(`keyturn: error: ${error}\nkeyturn: hint: ${hint}\n`);
    expect(cli.io.out.text).toBe("");
    expect(cli.home.asked).toEqual([]);
  });

  test("wait --for names everything that can be waited for", async () => {
    const cli = new FakeCli();
    expect(await cli.run("wait", "--for", "dinner")).toBe(2);
    expect(cli.io.err.text).toContain('Cannot use --for "dinner": must be Ready, rotated or one of step=create, ');
  });

  test("in the flags of standalone, all problems at once, by the names of the flags", async () => {
    const cli = new FakeCli();
    expect(await cli.run("standalone", "--dir", "/nowhere", "--interval", "10")).toBe(2);
    expect(cli.io.err.text).toContain("Cannot use the flags:\n  --issuer: must be set, is missing\n");
  });
});

describe("exit codes", () => {
  test("0: done", async () => {
    const cli = new FakeCli(rotated());
    expect(await cli.run("rollback", "--wait")).toBe(0);
    expect(cli.home.ring().signer.kid).toBe(kidOf("k1"));
  });

  test("1: failed, and a hint what helps", async () => {
    const cli = new FakeCli();
    cli.home.failures.push(new ChangeNeededError("NoRotation", "Cannot use it"));
    expect(await cli.run("status")).toBe(1);
    expect(cli.io.err.text).toBe(
      "keyturn: error: Cannot use it\nkeyturn: hint: keyturn standalone --dir DIR --config FILE starts one\n",
    );
  });

  test("1: the same call may work later", async () => {
    const cli = new FakeCli();
    cli.home.failures.push(new TryLaterError("Conflict", "Cannot write it now"));
    expect(await cli.run("status")).toBe(1);
  });

  test("1: a token that is refused", async () => {
    const cli = new FakeCli();
    expect(await cli.run("token", "verify", "no.token.at-all")).toBe(1);
    expect(cli.io.out.text).toContain("refused, Malformed");
  });

  test("1: a defect, which says so", async () => {
    const cli = new FakeCli();
    cli.home.failures.push(new TypeError("x is not a function"));
    expect(await cli.run("status")).toBe(1);
    expect(cli.io.err.text).toContain("keyturn: error: this is a defect of Keyturn: TypeError: x is not a function");
  });

  test("3: refused by a rule", async () => {
    const cli = new FakeCli();
    cli.home.failures.push(new RuleError("Whatever", "Cannot do it: must not"));
    expect(await cli.run("rotate")).toBe(3);
    expect(cli.io.err.text).toBe("keyturn: error: Cannot do it: must not\n");
  });

  test("4: timed out", async () => {
    expect(await new FakeCli().run("wait", "--for=step=activate", "--timeout", "1ms")).toBe(4);
  });
});

test("errors are red on a terminal, and all lines of one stand below each other", async () => {
  const cli = new FakeCli(undefined, { look: terminal });
  cli.home.failures.push(new ChangeNeededError("InvalidSpec", "spec.a: must be set\nspec.b: must be set"));
  await cli.run("status");
  expect(cli.io.err.text).toBe(
    "keyturn: \u001b[1;31merror:\u001b[0m Cannot use the JwtKeyRotation:\n  spec.a: must be set\n  spec.b: must be set\n",
  );
});

describe("flags", () => {
  test("reach the tool", async () => {
    const cli = new FakeCli(rotated());
    await cli.run("revoke", kidOf("k1").slice(0, 8), "--reason", "laptop stolen", "--dir", "/keys");
    expect(cli.home.asked).toEqual([{ kind: "revoke", kid: kidOf("k1"), reason: "laptop stolen" }]);
    expect(cli.opened).toEqual([expect.objectContaining({ dir: "/keys" })]);
  });

  test("and names of the cluster reach the home", async () => {
    const cli = new FakeCli(rotated());
    const where = ["--namespace", "shop", "--context", "dev", "--kubeconfig", "/k"];
    const flags = { namespace: "shop", context: "dev", kubeconfig: "/k" };
    await cli.run("status", "gateway", ...where);
    await cli.run("status", "-A");
    await cli.run("wait", "gateway", "--for=Ready", ...where);
    await cli.run("revoke", kidOf("k1"), "gateway", "--reason", "stolen", ...where);
    await cli.run("revoke", "gateway", "--created-before", "now");
    await cli.run("token", "verify", "a.b.c", "gateway");
    expect(cli.opened).toEqual([
      expect.objectContaining({ rotation: "gateway", ...flags }),
      expect.objectContaining({ allNamespaces: true }),
      expect.objectContaining({ rotation: "gateway", ...flags }),
      expect.objectContaining({ rotation: "gateway", ...flags }),
      expect.objectContaining({ rotation: "gateway" }),
      expect.objectContaining({ rotation: "gateway" }),
    ]);
    expect(cli.home.asked.map(({ kind }) => kind)).toEqual(["revoke", "revokeCreatedBefore"]);
  });

  test("revoke --created-before now means the present", async () => {
    const cli = new FakeCli(rotated());
    const { nowMs } = cli.home;
    await cli.run("revoke", "--created-before", "now");
    expect(cli.home.asked).toEqual([{ kind: "revokeCreatedBefore", atMs: nowMs }]);
  });

  test("have environment names, and win over them", async () => {
    vi.stubEnv("KEYTURN_DIR", "/env");
    vi.stubEnv("KEYTURN_OUTPUT", "json");
    const cli = new FakeCli();
    expect(await cli.run("status")).toBe(0);
    expect(JSON.parse(cli.io.out.text)).toHaveProperty("kind", "JwtKeyRotation");
    expect(cli.opened).toEqual([expect.objectContaining({ dir: "/env" })]);
    const other = new FakeCli();
    await other.run("status", "--dir", "/flag");
    expect(other.opened).toEqual([expect.objectContaining({ dir: "/flag" })]);
  });

  test("of one tool have its name in theirs: what is meant for rollback does not wait in rotate", async () => {
    vi.stubEnv("KEYTURN_ROLLBACK_TO", kidOf("k1"));
    vi.stubEnv("KEYTURN_ROTATE_WAIT", "false");
    const cli = new FakeCli(rotated());
    expect(await cli.run("rollback")).toBe(0);
    expect(cli.home.asked).toEqual([{ kind: "pin", kid: kidOf("k1") }]);
    expect(await cli.run("rotate")).toBe(0);
  });

  test.each([
    ["yes", "true"],
    ["yes", "1"],
    ["no", "false"],
    ["no", "0"],
    ["no", ""],
  ])("without a value say %s when the variable is %j", async (meaning, value) => {
    vi.stubEnv("KEYTURN_ROTATE_DRY_RUN", value);
    const cli = new FakeCli();
    await cli.run("rotate");
    expect(cli.home.asked).toHaveLength(meaning === "yes" ? 0 : 1);
  });

  test("without a value refuse any other variable", async () => {
    vi.stubEnv("KEYTURN_ROTATE_DRY_RUN", "perhaps");
    const cli = new FakeCli();
    expect(await cli.run("rotate")).toBe(2);
    expect(cli.io.err.text).toContain('Cannot use KEYTURN_ROTATE_DRY_RUN "perhaps": must be true or false');
  });

  test("with a value count as unset when the variable is empty", async () => {
    vi.stubEnv("KEYTURN_OUTPUT", "");
    const cli = new FakeCli();
    await cli.run("status");
    expect(cli.io.out.text).toMatch(/^default\/gateway/);
  });
});

describe("commands", () => {
  test("plan --spec reads the file as kubectl apply would", async () => {
    const cli = new FakeCli();
    cli.files.set(
      "edited.yaml",
      [
        "apiVersion: keyturn.dev/v1alpha1",
        "kind: JwtKeyRotation",
        "metadata: {name: gateway}",
        "spec: {algorithm: EdDSA, tokens: {issuer: https://issuer.example, audiences: [api, admin]}}",
      ].join("\n"),
    );
    expect(await cli.run("plan", "--spec", "edited.yaml")).toBe(0);
    expect(cli.io.out.text).toContain("with edited.yaml");
    expect(cli.io.out.text).toContain("is discarded before it signed: the profile changed");
  });

  test("plan --spec refuses a bad file with all its problems", async () => {
    const cli = new FakeCli();
    cli.files.set(
      "bad.yaml",
      "apiVersion: keyturn.dev/v1alpha1\nkind: JwtKeyRotation\nmetadata: {name: x}\nspec: {}\n",
    );
    expect(await cli.run("plan", "--spec", "bad.yaml")).toBe(1);
    expect(cli.io.err.text).toContain("Cannot use the JwtKeyRotation:\n  spec.tokens.issuer: must be set");
  });

  test("recover --jwks hands over the file", async () => {
    const cli = new FakeCli();
    cli.home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    const { publicJwk } = pairOf("ES256").material;
    const set = JSON.stringify({ keys: [{ ...publicJwk, kid: "saved" }] });
    cli.files.set("saved.json", set);
    expect(await cli.run("recover", "--jwks", "saved.json")).toBe(0);
    expect(cli.home.asked).toMatchObject([{ kind: "recover", jwks: set }]);
  });

  test.each([[["verify"]], [["verify", "-"]]])("token %j reads standard input", async (args) => {
    const cli = new FakeCli();
    cli.input = "no token\n";
    expect(await cli.run("token", ...args)).toBe(1);
    expect(cli.io.out.text).toContain("refused, Malformed: it is no JWS");
  });

  test("token mint takes claims as JSON where they are JSON", async () => {
    const cli = new FakeCli();
    // The story has no private half: that it gets so far says that the flags were right
    const claims = ["--claim", 'roles=["admin"]', "--claim", "scope=a=b"];
    expect(await cli.run("token", "mint", "--sub", "alice", ...claims)).toBe(3);
    expect(cli.io.err.text).toContain("Cannot mint: the private half of the signer");
  });

  test("jwks prints what is published, byte for byte", async () => {
    const cli = new FakeCli();
    expect(await cli.run("jwks")).toBe(0);
    expect(cli.io.out.text).toBe(await cli.home.publicJwks());
  });

  test("timeline draws as much as it is asked for", async () => {
    const cli = new FakeCli(rotated());
    expect(await cli.run("timeline", "--past", "2h", "--future", "1h")).toBe(0);
    // Below it: what the marks mean, and where times are
    expect(cli.io.lines.at(-3)).toContain("07:00");
    expect(cli.io.out.text).not.toContain("new key");
  });

  test("timeline refuses while there is no ring", async () => {
    const cli = new FakeCli(new StoryHome());
    expect(await cli.run("timeline")).toBe(3);
    expect(cli.io.err.text).toContain("Cannot draw default/gateway: there is no ring yet");
  });

  test("version says what a bug report needs", async () => {
    const cli = new FakeCli();
    expect(await cli.run("version")).toBe(0);
    expect(cli.io.out.text).toBe("keyturn 1.2.3 (Node.js v24.0.0, linux/x64)\n");
    const other = new FakeCli();
    expect(await other.run("--version")).toBe(0);
    expect(other.io.out.text).toBe("1.2.3\n");
  });
});
