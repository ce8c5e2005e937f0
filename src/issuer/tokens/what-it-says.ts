import { Buffer } from "node:buffer";
import { jsonIn } from "../../parse/json.ts";
import { isObject, type Members } from "../../parse/object.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { verifyingOf } from "./keys-at-work.ts";

/** What a token says of itself: anybody's words, until its signature was looked at. */
function saidIn(token: string): Members {
  const payload = jsonIn(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  return isObject(payload) ? payload : {};
}

/** Whether the token says that it is ours. @throws TryLaterError `NotReady` */
export function saysItIsOurs(parts: Pick<IssuerParts, "verifying">, token: string): boolean {
  const { iss } = saidIn(token);
  return verifyingOf(parts).issuers.some((issuer) => iss === issuer);
}

/** When it says that it ends, in Unix milliseconds. */
export function endIn(token: string): number | undefined {
  const { exp } = saidIn(token);
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : undefined;
}
