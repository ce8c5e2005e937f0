import { describe, expect, test } from "vitest";
import { decodeKeyRing, encodeKeyRing } from "../../src/ring/codec.ts";
import { at, changed, gone, pathsOf, type Json, type JsonPath } from "../support/documents.ts";
import { realRing, secretsOf } from "../support/keys.ts";

const { ring, materials } = realRing("ES256", { revoked: [{ kid: "stolen", revokedAtMs: 0, reason: "stolen" }] });
const text = encodeKeyRing(ring, materials, "ring");
const document = JSON.parse(text) as Json;
const secrets = secretsOf(materials.values());
/** No part of a secret of this length may be told. */
const partLength = 8;
const parts = new Set(secrets.flatMap((secret) => [...slices(secret)]));

function* slices(of: string): Generator<string> {
  for (let i = 0; i + partLength <= of.length; i++) yield of.slice(i, i + partLength);
}

/** The error for a wrong document, checked to hold nothing of a secret; undefined when it is read. */
function refusal(wrong: string, object: "ring" | "signer" | "public" = "ring"): string | undefined {
  try {
    decodeKeyRing(wrong, object);
    return undefined;
  } catch (error) {
    expect(Object.keys(error as Error).sort()).toStrictEqual(["code", "name"]);
    // Begins with the message
    const told = String((error as Error).stack);
    for (const slice of slices(told)) {
      if (parts.has(slice)) throw new Error(`${partLength} characters of a secret are told`);
    }
    return (error as Error).message;
  }
}

function refusals(wrongs: readonly Json[]): number {
  return wrongs.filter((wrong) => refusal(JSON.stringify(wrong)) !== undefined).length;
}

const paths = pathsOf(document);
const everywhere = (value: (path: JsonPath) => Json | typeof gone): readonly Json[] =>
  paths.map((path) => changed(document, path, value(path)));

/** Thousands of documents, on a machine that may be busy. */
const timeout = 60_000;

describe("an error of decodeKeyRing holds no part of a private half", { timeout }, () => {
  test("when any value is missing, or of another type", () => {
    for (const value of [gone, null, true, -1, {}, []]) expect(refusals(everywhere(() => value))).toBeGreaterThan(50);
  });

  test.each(secrets.map((secret, index) => [index, secret] as const))(
    "when secret %i stands in place of any value",
    (_index, secret) => {
      expect(refusals(everywhere(() => secret))).toBeGreaterThan(50);
      expect(refusals(everywhere(() => [secret]))).toBeGreaterThan(50);
    },
  );

  test("when a secret is the name of a member, at any place", () => {
    const objects = paths.filter((path) => isObject(path));
    const wrongs = objects.flatMap((path) => secrets.map((secret) => changed(document, [...path, secret], secret)));
    expect(refusals(wrongs)).toBe(wrongs.length);
  });

  test("when a secret is cut, lengthened, padded or exchanged", () => {
    const inPrivate = paths.filter((path) => path.includes("privateJwk") && !isObject(path));
    const wrongs = inPrivate.flatMap((path) => {
      const value = at(document, path) as string;
      const others = [value.slice(1), value.slice(0, 20), `${value}A`, `${value}==`, ` ${value}`, ...secrets];
      return others.filter((other) => other !== value).map((other) => changed(document, path, other));
    });
    expect(refusals(wrongs)).toBeGreaterThan(100);
  });

  test("when the text breaks off at any place", () => {
    for (let end = 0; end < text.length - 1; end += 7) expect(refusal(text.slice(0, end))).toContain("must be JSON");
  });

  test("when a stray sign stands inside a secret", () => {
    for (const secret of secrets) {
      for (const sign of ['"', "\\", "\n", "\u0000", "}"]) {
        const wrong = text.replace(secret, `${secret.slice(0, 20)}${sign}${secret.slice(20)}`);
        expect(refusal(wrong)).toBeDefined();
      }
    }
  });

  test("when a secret stands twice, or a private document is read as another object", () => {
    for (const secret of secrets) {
      expect(refusal(text.replace(`"${secret}"`, `"${secret}", "${secret}": 1, "${secret}": 2`))).toBeDefined();
    }
    expect(refusal(text, "signer")).toContain("must be absent");
    expect(refusal(text, "public")).toContain("must not be public");
  });
});

function isObject(path: JsonPath): boolean {
  const value = at(document, path);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
