import { formatInstant } from "../../parse/instant.ts";
import { parseJson } from "../../parse/document.ts";
import type { ObjectCursor } from "../../parse/cursor.ts";
import { type HeldPair, type HeldRefreshToken, tokenIdOf } from "../machine/held-pair.ts";

const version = 1;
const longestToken = 65_536;
const names = [
  ...["version", "purpose", "serial", "accessToken", "receivedAt", "expiresAt", "renewAt"],
  ...["refreshToken", "keepAliveAt", "refusals", "handedOver"],
];

/** The text of a pair on the disk. `purpose`: what its tokens are for; whoever asks for something else begins anew. */
export function encodePair(pair: HeldPair, purpose: string): string {
  const { serial, accessToken, life, renewAtMs, refresh, refusals, handedOver } = pair;
  const instant = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : formatInstant(ms));
  const document = {
    ...{ version, purpose, serial, accessToken },
    receivedAt: instant(life.receivedAtMs),
    expiresAt: instant(life.expiresAtMs),
    renewAt: instant(renewAtMs),
    refreshToken: refresh?.token,
    keepAliveAt: instant(refresh?.keepAliveAtMs),
    ...{ refusals, handedOver },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/**
 * The pair of a text that {@link encodePair} wrote; undefined for one of another purpose.
 *
 * @throws ChangeNeededError `StateUnreadable`: torn, of a newer program, or of somebody else. Never with a part of the text
 */
export function decodePair(
  text: string,
  of: { readonly path: string; readonly purpose: string },
): HeldPair | undefined {
  const subject = {
    code: "StateUnreadable",
    action: `Cannot read the state of an identity in ${JSON.stringify(of.path)}`,
  };
  const fields = parseJson(text, { subject, publicOnly: false }).fields();
  const written = fields.at("version");
  if (written.wholeNumber(1) !== version) throw written.error(`must be ${version}: a newer program wrote it`);
  fields.only(names);
  const purpose = fields.at("purpose").text(256);
  const accessToken = fields.at("accessToken").text(longestToken);
  const expiresAtMs = fields.maybe("expiresAt")?.instant();
  const refresh = refreshIn(fields);
  const handedOver = fields.maybe("handedOver")?.text(64);
  const pair: HeldPair = {
    accessToken,
    tokenId: tokenIdOf(accessToken),
    life: { receivedAtMs: fields.at("receivedAt").instant(), ...(expiresAtMs !== undefined && { expiresAtMs }) },
    renewAtMs: fields.at("renewAt").instant(),
    ...(refresh && { refresh }),
    serial: fields.at("serial").wholeNumber(1),
    refusals: fields.at("refusals").wholeNumber(0),
    ...(handedOver !== undefined && { handedOver }),
  };
  return purpose === of.purpose ? pair : undefined;
}

function refreshIn(fields: ObjectCursor): HeldRefreshToken | undefined {
  const token = fields.maybe("refreshToken")?.text(longestToken);
  const keepAliveAtMs = fields.maybe("keepAliveAt")?.instant();
  return token === undefined ? undefined : { token, ...(keepAliveAtMs !== undefined && { keepAliveAtMs }) };
}
