import { execFileSync, spawnSync } from "node:child_process";
import { constants, createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as jose from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicJwks } from "../../src/crypto/jwks.ts";
import { publicObject, ringObject, signerObject, type Files } from "../../src/crypto/objects.ts";
import { encodeKeyRing } from "../../src/ring/codec.ts";
import { algorithms, type Algorithm, isEd25519 } from "../../src/ring/key.ts";
import { pairOf, realRing, secretsOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";

const revoked = [{ kid: "k0", revokedAtMs: epoch, reason: "laptop stolen" }];
const { ring, materials } = realRing("ES256", { revoked });
const lost = { ...ring, signer: { ...ring.signer, canSign: false } };
const [signer, standby, older] = [pairOf("ES256", 0), pairOf("ES256", 1), pairOf("RS256", 7)];

/** Every private half that can be read off the files, wherever it stands, by the first characters of `d`. */
const textOf = (files: Files): string => Object.values(files).join("\n");
const holds = (files: Files, pair: typeof signer): boolean =>
  secretsOf([pair.material]).some((secret) => textOf(files).includes(secret));

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe("ringObject", () => {
  test("is keyring.json alone, with every private half", () => {
    const files = ringObject(ring, materials);
    expect(files).toStrictEqual({ "keyring.json": encodeKeyRing(ring, materials, "ring") });
    expect([signer, standby, older].map((pair) => holds(files, pair))).toStrictEqual([true, true, true]);
  });
});

describe("signerObject", { timeout }, () => {
  const files = signerObject(ring, materials);

  test("has the six files of the design", () => {
    expect(Object.keys(files).sort()).toStrictEqual([
      "jwks.json",
      "keyring.json",
      "kid",
      "private-jwks.json",
      "public.pem",
      "signing.pem",
    ]);
    expect(files["kid"]).toBe(signer.kid);
    expect(files["keyring.json"]).toBe(encodeKeyRing(ring, materials, "signer"));
  });

  test("holds the signer's private half and no other, in no file", () => {
    expect([signer, standby, older].map((pair) => holds(files, pair))).toStrictEqual([true, false, false]);
    expect(textOf(files).match(/"d":/g)).toHaveLength(2);
    expect(textOf(files).match(/PRIVATE KEY-----/g)).toHaveLength(2);
  });

  test("has the signer's private half neither in jwks.json nor in public.pem", () => {
    for (const name of ["jwks.json", "public.pem"]) {
      expect(files[name]).not.toContain(secretsOf([signer.material])[0]);
      expect(files[name]).not.toContain("PRIVATE");
    }
    expect(JSON.parse(files["jwks.json"] ?? "")).toStrictEqual(publicJwks(ring, materials));
  });

  test("has one key in signing.pem, public.pem, private-jwks.json and kid", async () => {
    const fromPem = await jose.exportJWK(createPrivateKey(files["signing.pem"] ?? ""));
    const { keys } = JSON.parse(files["private-jwks.json"] ?? "") as { keys: readonly [jose.JWK] };
    expect(fromPem).toStrictEqual(signer.material.privateJwk);
    expect(keys[0]).toStrictEqual({ kid: signer.kid, alg: "ES256", use: "sig", ...fromPem });
    expect(await jose.calculateJwkThumbprint(fromPem)).toBe(files["kid"]);
  });

  test("has no signing.pem and no private half when the signer's is lost, even if somebody still has it", () => {
    const without = signerObject(lost, materials);
    expect(Object.keys(without).sort()).toStrictEqual([
      "jwks.json",
      "keyring.json",
      "kid",
      "private-jwks.json",
      "public.pem",
    ]);
    expect([signer, standby, older].some((pair) => holds(without, pair))).toBe(false);
    expect(textOf(without)).not.toMatch(/privateJwk|PRIVATE|"d":/);
    expect(without["private-jwks.json"]).toBe(without["jwks.json"]);
  });
});

describe("publicObject", () => {
  const files = publicObject(ring, materials);

  test("has keyring.json and jwks.json, the latter byte for byte as in the signer object", () => {
    expect(Object.keys(files).sort()).toStrictEqual(["jwks.json", "keyring.json"]);
    expect(files["jwks.json"]).toBe(signerObject(ring, materials)["jwks.json"]);
  });

  test("holds no private half and no revocation reason", () => {
    expect([signer, standby, older].some((pair) => holds(files, pair))).toBe(false);
    expect(textOf(files)).not.toMatch(/privateJwk|PRIVATE|reason|stolen|"(?:d|p|q|dp|dq|qi|oth|k)":/);
  });
});

describe("openssl", { timeout }, () => {
  let dir = "";
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "keyturn-"));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  const hashOf = (algorithm: Algorithm): string => `sha${isEd25519(algorithm) ? "512" : algorithm.slice(2)}`;
  const paddingOf = (algorithm: Algorithm): readonly string[] =>
    algorithm.startsWith("PS") ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] : [];

  /** True when the signature verifies; openssl exits with 1 when not, and with other numbers when it is misused. */
  function verifies(algorithm: Algorithm, signature: string): boolean {
    const eddsa = [
      "pkeyutl",
      "-verify",
      "-pubin",
      "-inkey",
      "public.pem",
      "-rawin",
      "-in",
      "data",
      "-sigfile",
      signature,
    ];
    const key = ["-verify", "public.pem", "-signature", signature, "data"];
    const args = isEd25519(algorithm) ? eddsa : ["dgst", `-${hashOf(algorithm)}`, ...paddingOf(algorithm), ...key];
    const { status, stdout } = spawnSync("openssl", args, { cwd: dir, encoding: "utf8" });
    expect(stdout).toMatch(status === 0 ? /Verified (?:OK|Successfully)/ : /Verif\w+ Failure/i);
    return status === 0;
  }

  test.each(algorithms)("verifies with public.pem what signing.pem signed: %s", (algorithm) => {
    const made = realRing(algorithm);
    const files = signerObject(made.ring, made.materials);
    const data = Buffer.from("header.payload");
    const padding = algorithm.startsWith("PS") ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    const rsa = { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const options = /^[RP]S/.test(algorithm) ? rsa : {};
    const key = { key: files["signing.pem"] ?? "", ...options };
    const signature = sign(isEd25519(algorithm) ? null : hashOf(algorithm), data, key);
    writeFileSync(join(dir, "public.pem"), files["public.pem"] ?? "");
    writeFileSync(join(dir, "data"), data);
    writeFileSync(join(dir, "good"), signature);
    writeFileSync(join(dir, "bad"), signature.with(-9, (signature.at(-9) ?? 0) ^ 1));
    expect(verifies(algorithm, "good")).toBe(true);
    expect(verifies(algorithm, "bad")).toBe(false);
  });

  test("reads signing.pem of every algorithm as PKCS#8 without complaint", () => {
    for (const algorithm of algorithms) {
      const made = realRing(algorithm);
      const input = signerObject(made.ring, made.materials)["signing.pem"];
      expect(execFileSync("openssl", ["pkey", "-check", "-noout"], { input, encoding: "utf8" })).toContain(
        "Key is valid",
      );
    }
  });
});
