import { calculateJwkThumbprint } from "jose";
import { describe, expect, test } from "vitest";
import { thumbprint } from "../../src/crypto/thumbprint.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe("thumbprint", { timeout }, () => {
  test("gives the value of RFC 7638 §3.1's example", () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
      "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" +
      "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" +
      "kEgU8awapJzKnqDKgw";
    expect(thumbprint({ kty: "RSA", n, e: "AQAB" })).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });

  test("gives the value of RFC 8037 A.3", () => {
    const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    expect(thumbprint({ kty: "OKP", crv: "Ed25519", x })).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  test.each(algorithms)("is jose's, and the same for both halves: %s", async (algorithm) => {
    const { publicJwk, privateJwk } = pairOf(algorithm).material;
    expect(thumbprint(publicJwk)).toBe(await calculateJwkThumbprint({ ...publicJwk }));
    expect(thumbprint(privateJwk)).toBe(thumbprint(publicJwk));
  });
});
