import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import { isSmallOrder } from "./ed25519.ts";
import { onceEach } from "./once-each.ts";

/** The private half as node:crypto has it. @throws ChangeNeededError `KeyUnusable`, without the error of OpenSSL */
export const privateKeyObject = onceEach((jwk: PrivateJwk): KeyObject => {
  try {
    return createPrivateKey({ key: jwk, format: "jwk" });
  } catch {
    throw keyUnusable("the private half is no key");
  }
});

/**
 * The public half as node:crypto has it.
 *
 * @throws ChangeNeededError `KeyUnusable`: a point that is not on its curve, or one of Ed25519 for which anybody can sign
 */
export const publicKeyObject = onceEach((jwk: PublicJwk): KeyObject => {
  if (jwk.kty === "OKP" && isSmallOrder(Buffer.from(jwk.x, "base64url"))) {
    throw keyUnusable("the public half is a point of small order: anybody can sign for it");
  }
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    throw keyUnusable("the public half is no key");
  }
});

/** That a key can't be used, and never what it is. */
export const keyUnusable = (reason: string): ChangeNeededError =>
  new ChangeNeededError("KeyUnusable", `Cannot use key: ${reason}`);
