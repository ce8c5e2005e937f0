import { textOf } from "../parse/scalars.ts";
import { need, refuse, type Spot } from "../parse/spot.ts";
import { webTexts } from "../parse/text-limits.ts";
import { ownAddressFlaw } from "./remote-address.ts";

/**
 * A URL of https, or of http on this machine; undefined if unset or wrong. Never quoted: a URL may hold a password.
 *
 * @param flawOf - What else may be wrong with it. @default as {@link ownAddressFlaw}
 */
export function addressOf(spot: Spot, flawOf: (url: URL) => string | undefined = ownAddressFlaw): URL | undefined {
  const text = textOf(spot, webTexts.url);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const flaw = url === null ? "must be a URL" : flawOf(url);
  if (url !== null && flaw === undefined) return url;
  refuse(spot, flaw ?? "must be a URL", "is another text");
  return undefined;
}

/** The origin of a page, exactly as a browser sends it (RFC 6454 §6.2): written in another way it would fit nobody. */
export function webOriginOf(spot: Spot): string {
  const text = textOf(need(spot), webTexts.url);
  if (text === undefined) return "";
  const url = URL.parse(text);
  if (url?.origin === text && ownAddressFlaw(url) === undefined) return text;
  refuse(spot, "must be an origin such as https://app.example, of https except on this machine");
  return "";
}
