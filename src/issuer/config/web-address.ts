import { ownAddressFlaw } from "../../http/remote-address.ts";
import { isUnset, need, refuse, type Spot, textOf } from "./fields.ts";
import { issuerTexts } from "./token-issuer-limits.ts";

/** A URL of https, or of http on this machine; undefined if unset or wrong. Never quoted: a URL may hold a password. */
export function addressOf(spot: Spot): URL | undefined {
  if (isUnset(spot)) return undefined;
  const text = textOf(spot, issuerTexts.url);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const flaw = url === null ? "must be a URL" : ownAddressFlaw(url);
  if (url !== null && flaw === undefined) return url;
  refuse(spot, flaw ?? "must be a URL", "is another text");
  return undefined;
}

/** The origin of a page, exactly as a browser sends it (RFC 6454 §6.2): written in another way it would fit nobody. */
export function webOriginOf(spot: Spot): string {
  const text = textOf(need(spot), issuerTexts.url);
  if (text === undefined) return "";
  const url = URL.parse(text);
  if (url?.origin === text && ownAddressFlaw(url) === undefined) return text;
  refuse(spot, "must be an origin such as https://app.example, of https except on this machine");
  return "";
}
