import { describe, expect, test } from "vitest";
import { probe } from "../../src/crypto/signature.ts";
import { ChangeNeededError } from "../../src/ring/errors.ts";
import type { KeyMaterial, PrivateJwk } from "../../src/ring/jwk.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";

const unfit = new ChangeNeededError("KeyUnusable", "Cannot use key: the halves do not fit");
const noPublic = new ChangeNeededError("KeyUnusable", "Cannot use key: the public half is no key");

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe("probe", { timeout }, () => {
  test.each(algorithms)("resolves for a pair of %s, and for its public half alone", async (algorithm) => {
    const { material } = pairOf(algorithm);
    await expect(probe(material, algorithm)).resolves.toBeUndefined();
    await expect(probe({ publicJwk: material.publicJwk }, algorithm)).resolves.toBeUndefined();
  });

  test.each(algorithms)("refuses the halves of two keys of %s", async (algorithm) => {
    const [mine, theirs] = [pairOf(algorithm, 0).material, pairOf(algorithm, 1).material];
    const mixed = { publicJwk: mine.publicJwk, privateJwk: { ...theirs.privateJwk, ...mine.publicJwk } as PrivateJwk };
    await expect(probe(mixed, algorithm)).rejects.toThrow(unfit);
    await expect(probe({ ...theirs, publicJwk: mine.publicJwk }, algorithm)).rejects.toThrow(unfit);
  });

  test.each(["d", "p", "q", "dp", "dq", "qi"] as const)(
    "refuses an RSA key whose %s is another key's, also where no signature would tell",
    async (member) => {
      const [mine, theirs] = [pairOf("RS256", 0).material, pairOf("RS256", 1).material];
      const wrong = { ...mine.privateJwk, [member]: (theirs.privateJwk as unknown as Record<string, string>)[member] };
      await expect(probe({ ...mine, privateJwk: wrong }, "RS256")).rejects.toThrow(unfit);
    },
  );

  test("refuses an RSA key whose prime is 1", async () => {
    const { publicJwk, privateJwk } = pairOf("RS256").material as { publicJwk: { n: string } } & Required<KeyMaterial>;
    const wrong = { ...privateJwk, p: publicJwk.n, q: "AQ" } as PrivateJwk;
    await expect(probe({ publicJwk, privateJwk: wrong }, "RS256")).rejects.toThrow(unfit);
  });

  test("refuses a point that is not on its curve", async () => {
    const [mine, theirs] = [pairOf("ES256", 0).material.publicJwk, pairOf("ES256", 1).material.publicJwk];
    const off = { ...mine, y: (theirs as { y: string }).y } as KeyMaterial["publicJwk"];
    await expect(probe({ publicJwk: off }, "ES256")).rejects.toThrow(noPublic);
  });

  test("refuses a private half that is no key", async () => {
    const { publicJwk, privateJwk } = pairOf("ES256").material;
    const zero = { ...privateJwk, d: "A".repeat(43) } as PrivateJwk;
    await expect(probe({ publicJwk, privateJwk: zero }, "ES256")).rejects.toThrow(
      /^Cannot use key: the (private half is no key|halves do not fit)$/,
    );
  });
});
