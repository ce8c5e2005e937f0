import { sign } from "node:crypto";
import { privateKeyObject } from "../../../src/crypto/key-objects.ts";
import { pair } from "./rings.ts";

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export interface TokenPlan {
  /** Place of the key. @default 0 */
  readonly signer?: number;
  readonly nowMs: number;
  readonly claims?: object;
}

/** A token of a key of the test rings, good for half an hour, made without any code of ours. */
export function tokenOf({ signer = 0, nowMs, claims = {} }: TokenPlan): string {
  const { kid, material } = pair(signer);
  const iat = Math.floor(nowMs / 1000);
  const all = { iss: "https://issuer.example", aud: "api", sub: "alice", iat, exp: iat + 1800, ...claims };
  const input = `${part({ alg: "ES256", kid })}.${part(all)}`;
  const key = { key: privateKeyObject(material.privateJwk), dsaEncoding: "ieee-p1363" as const };
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
}
