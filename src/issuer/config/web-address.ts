import { isUnset, refuse, type Spot, textOf } from "./fields.ts";
import { issuerTexts } from "./token-issuer-limits.ts";

/** This machine alone hears it: the one place that may be spoken to in clear. */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);

/** May keys be asked for there? What is wrong if not. Over plain http anybody on the way could give his own keys. */
export function addressFlaw({ protocol, username, password, hash }: URL): string | undefined {
  if (protocol !== "https:" && protocol !== "http:") return "must be a URL of https";
  if (username !== "" || password !== "") return "must be a URL without a user and password";
  return hash === "" ? undefined : "must be a URL without a fragment";
}

/** A URL of https, or of http on this machine; undefined if unset or wrong. Never quoted: a URL may hold a password. */
export function addressOf(spot: Spot): URL | undefined {
  if (isUnset(spot)) return undefined;
  const text = textOf(spot, issuerTexts.url);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const flaw = url === null ? "must be a URL" : (addressFlaw(url) ?? clearFlaw(url));
  if (url !== null && flaw === undefined) return url;
  refuse(spot, flaw ?? "must be a URL", "is another text");
  return undefined;
}

const clearFlaw = (url: URL): string | undefined =>
  url.protocol === "https:" || isLoopback(url) ? undefined : "must be a URL of https, except on this machine";
