import type { KeyObject } from "node:crypto";
import { publicHalf, readPrivateJwk, readPublicJwk } from "../ring/codec/read-jwk.ts";
import type { KeyMaterial, PublicJwk } from "../ring/jwk.ts";
import { Cursor, type Subject } from "../parse/cursor.ts";

const subject = { code: "KeyUnusable", action: "Cannot use key" };

/** Both halves of a private key of node:crypto. @throws ChangeNeededError for a type that none of the algorithms has */
export function materialOf(privateKey: KeyObject, words: Subject = subject): Required<KeyMaterial> {
  const privateJwk = readPrivateJwk(new Cursor(privateKey.export({ format: "jwk" }), "key", words).fields());
  return { publicJwk: publicHalf(privateJwk), privateJwk };
}

/** The public half of a public key of node:crypto. @throws ChangeNeededError for a type that none of the algorithms has */
export function publicJwkOf(publicKey: KeyObject, words: Subject = subject): PublicJwk {
  return readPublicJwk(new Cursor(publicKey.export({ format: "jwk" }), "key", words).fields());
}
