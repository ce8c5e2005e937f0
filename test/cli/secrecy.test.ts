import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pkcs8Pem } from "../../src/crypto/pem.ts";
import { setEntries, readSetKey } from "../../src/crypto/jwk-set.ts";
import { resourceFrom } from "../../src/cli/field-flags.ts";
import { allOf, buildProgram } from "../../src/cli/program.ts";
import { parseRotation } from "../../src/ring/resource/rotation.ts";
import { specFields } from "../../src/ring/resource/policy.ts";
import { rotationIn } from "../../src/standalone/settings/config.ts";
import { parseOverrides } from "../../src/standalone/settings/overrides.ts";
import { pairOf } from "../support/keys.ts";
import { FakeCli } from "./around.ts";

const halfOf = (algorithm: "ES256" | "EdDSA"): string => {
  const { privateJwk } = pairOf(algorithm).material;
  return "d" in privateJwk ? privateJwk.d : "";
};
const pem = pkcs8Pem(pairOf("ES256").material.privateJwk);
const body = pem.split("\n")[1] ?? "";

/** Key material as somebody may paste it where something else belongs. */
const secrets: readonly (readonly [string, string])[] = [
  ["a P-256 d", halfOf("ES256")],
  ["an Ed25519 d", halfOf("EdDSA")],
  ["a PEM", pem],
  ["a line of a PEM", body],
  ["a JWK", JSON.stringify(pairOf("ES256").material.privateJwk)],
];

/** Nothing that is longer than the beginning of a kid, from anywhere in it. */
function expectHidden(text: string, secret: string): void {
  for (let at = 0; at + 12 <= secret.length; at++) {
    const part = secret.slice(at, at + 12);
    if (/^[\w+/=-]{12}$/.test(part)) expect(text).not.toContain(part);
  }
}

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(secrets)("%s in the wrong place is never shown", (_, secret) => {
  test("as the value of any flag", async () => {
    const io = new FakeCli().io;
    const nothing = (): Promise<never> => Promise.reject(new Error("not here"));
    const program = await buildProgram(
      {
        ...{
          io,
          name: "keyturn",
          version: "",
          platform: { node: "", system: "" },
          logIsLive: false,
          env: {},
          hostname: "",
        },
        ...{ openHome: nothing, openShown: nothing, readFile: nothing, readInput: nothing, readSecret: nothing },
        ...{ monotonicMs: () => 0, chance: () => 0.5, rereadOn: () => undefined, relaySignals: () => () => undefined },
      },
      () => undefined,
    );
    let parsers = 0;
    for (const command of allOf(program)) {
      for (const { parseArg } of command.options) {
        if (!parseArg) continue;
        parsers++;
        for (const text of [secret, `x=${secret}`]) {
          expectHidden(await messageOf(() => parseArg(text, undefined as never)), secret);
        }
      }
    }
    expect(parsers).toBeGreaterThan(20);
  });

  test.each([
    ["an argument of a command", (s: string) => ["status", s, s]],
    ["a command", (s: string) => [s]],
    ["a flag", (s: string) => ["status", `--${s}`]],
    ["a kid to revoke", (s: string) => ["revoke", s, "--reason", "x"]],
    ["a kid to go back to", (s: string) => ["rollback", `--to=${s}`]],
    ["the target of a wait", (s: string) => ["wait", `--for=${s}`]],
    ["an instant", (s: string) => ["plan", `--at=${s}`]],
    ["an audience", (s: string) => ["token", "mint", "--sub", "a", `--audience=${s}`]],
    ["a claim", (s: string) => ["token", "mint", "--sub", "a", `--claim=${s}`]],
    ["a token", (s: string) => ["token", "verify", s]],
    ["a grant", (s: string) => ["grants", "show", s]],
    ["a grant's token", (s: string) => ["grants", "revoke", "--token", s]],
    ["the file of a foreign token", (s: string) => ["issuer", "explain", "-c", "issuer.yaml", s]],
    ["a store", (s: string) => ["grants", "list", "--store", s]],
  ])("as %s", async (_place, argsOf) => {
    const cli = new FakeCli();
    await cli.run(...argsOf(secret));
    expectHidden(cli.io.out.text + cli.io.err.text, secret);
  });

  test("in any field of the resource, as a value or a name", async () => {
    const nested: Readonly<Record<string, readonly string[]>> = {
      rotation: ["interval", "schedule", "timeZone", "requestID"],
      propagation: ["minimum", "acknowledgements"],
      tokens: ["issuer", "audiences", "maxTTL", "clockSkew"],
      adoption: ["maxTTL"],
      secretTemplate: ["labels", "annotations", "ringAnnotations"],
    };
    const wrong = [secret, [secret], { [secret]: secret }, [{ [secret]: secret }], [{ kid: `${secret} `, reason: 1 }]];
    const specs = specFields.flatMap((field) => [
      ...wrong.map((value) => ({ [field]: value })),
      ...(nested[field] ?? []).flatMap((name) => wrong.map((value) => ({ [field]: { [name]: value } }))),
    ]);
    const head = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name: "a" } };
    const broken = [
      ...specs.map((spec) => ({ ...head, spec })),
      ...["apiVersion", "kind", "metadata", "spec", secret].map((field) => ({ ...head, [field]: secret })),
      {
        ...head,
        metadata: { name: secret, namespace: secret, annotations: { "keyturn.dev/recover-requested-at": secret } },
      },
    ];
    for (const resource of broken) {
      expectHidden(await messageOf(() => parseRotation(resource)), secret);
      expectHidden(await messageOf(() => parseRotation(resource, { unknownFields: "warn" }).warnings.join()), secret);
    }
    for (const name of ["name", "interval", "schedule", "maxTtl", "algorithm", "rsaModulusBits"]) {
      expectHidden(await messageOf(() => resourceFrom({ [name]: secret })), secret);
    }
  });

  test("in files: the config, the overrides, a JWK Set", async () => {
    const quoted = JSON.stringify(secret);
    const texts = [
      secret,
      `{${quoted}:1}`,
      `{"keys":[{"kid":${quoted},"kty":${quoted},"alg":${quoted}}]}`,
      `kind: ${quoted}`,
    ];
    const config = `{"kind":"JwtKeyRotation","metadata":{"name":${quoted}}}`;
    for (const text of [...texts, `[${config},${config}]`, `${config}\n---\n${config}`]) {
      expectHidden(await messageOf(() => rotationIn(text, "config.yaml")), secret);
      expectHidden(await messageOf(() => parseOverrides(text)), secret);
      const subject = { code: "InvalidJwks", action: "Cannot read JWKS" };
      expectHidden(await messageOf(() => setEntries(text, subject).map((entry) => readSetKey(entry))), secret);
    }
    for (const name of [
      "rotateRequestedAt",
      "recoverRequestedAt",
      "activeKid",
      "revokedKids",
      "revokeKeysCreatedBefore",
    ]) {
      for (const value of [secret, `${secret}\n`, [secret], { [secret]: 1 }, [{ kid: secret, [secret]: 1 }]]) {
        expectHidden(await messageOf(() => parseOverrides(JSON.stringify({ [name]: value }))), secret);
      }
    }
  });
});
