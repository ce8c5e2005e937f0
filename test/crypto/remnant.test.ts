import { describe, expect, test } from "vitest";
import { pkcs8Pem } from "../../src/crypto/pem.ts";
import { readRemnant } from "../../src/crypto/remnant.ts";
import { pairOf } from "../support/keys.ts";

const [one, two] = [pairOf("ES256", 30), pairOf("ES256", 31)];
const context = { createdAtMs: 0 };
const jwks = (...keys: readonly object[]): string => JSON.stringify({ keys });
const named = (kid: string, half: object): object => ({ ...half, kid, alg: "ES256" });

describe("readRemnant", () => {
  test("lets no key sign whose private half is another's", async () => {
    const mixed = { ...one.material.publicJwk, d: (two.material.privateJwk as { readonly d?: string }).d };
    const { left, materials } = await readRemnant({ "private-jwks.json": jwks(named("mixed", mixed)) }, context);
    expect(left.signer).toBeUndefined();
    expect(left.verifyOnly).toMatchObject([{ kid: "mixed" }]);
    expect(materials.get("mixed")).toEqual({ publicJwk: one.material.publicJwk });
  });

  test("goes on to the next key that can sign", async () => {
    const mixed = { ...one.material.publicJwk, d: (two.material.privateJwk as { readonly d?: string }).d };
    const files = {
      "private-jwks.json": jwks(named("mixed", mixed)),
      "signing.pem": pkcs8Pem(two.material.privateJwk),
    };
    const { left } = await readRemnant(files, context);
    expect(left.signer).toMatchObject({ kid: two.kid });
    expect(left.verifyOnly).toMatchObject([{ kid: "mixed" }]);
  });

  test("calls signing.pem by its thumbprint where the file kid names another key", async () => {
    const files = {
      "jwks.json": jwks(named("taken", one.material.publicJwk)),
      "signing.pem": pkcs8Pem(two.material.privateJwk),
      kid: "taken",
    };
    const { left } = await readRemnant(files, context);
    expect(left.signer).toMatchObject({ kid: two.kid });
    expect(left.verifyOnly).toMatchObject([{ kid: "taken" }]);
  });
});
