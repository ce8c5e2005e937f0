import { readIfThere, replaceFile } from "../files/atomic.ts";
import type { Disk, Reader } from "../files/disk.ts";
import { type Cursor, type Fields } from "../ring/codec/cursor.ts";
import { parseJson } from "../ring/codec/json-text.ts";
import { readInstant } from "../ring/spec/scalars.ts";
import { modes } from "./layout.ts";

/** What the tools ask for, as it stands in overrides.json. */
export interface Overrides {
  /** Any text of 1 to 128 characters that was not there before rotates once. */
  readonly rotateRequestedAt?: string;
  /** RFC 3339. */
  readonly recoverRequestedAt?: string;
  /** A JWKS whose keys a recovery verifies for a window, too (RFC 7517 §5). */
  readonly recoverJwks?: string;
  /** Replaces `spec.activeKid`; empty: no pin, whatever the config says. */
  readonly activeKid?: string;
  /** Come to `spec.revokedKids`. */
  readonly revokedKids?: readonly { readonly kid: string; readonly reason?: string }[];
  /** The later one of this and `spec.revokeKeysCreatedBefore` counts. RFC 3339. */
  readonly revokeKeysCreatedBefore?: string;
}

const members = [
  "rotateRequestedAt",
  "recoverRequestedAt",
  "recoverJwks",
  "activeKid",
  "revokedKids",
  "revokeKeysCreatedBefore",
];
const texts = { request: 128, kid: 256, reason: 256, instant: 40, jwks: 1_048_576 };
const subject = { code: "OverridesUnreadable", action: "Cannot read overrides.json" };

/** The overrides of a directory, none when there is no file. @throws ChangeNeededError `OverridesUnreadable` */
export async function readOverrides(disk: Reader, path: string): Promise<Overrides> {
  const text = await readIfThere(disk, path);
  return text === undefined ? {} : parseOverrides(text);
}

/** @throws ChangeNeededError `OverridesUnreadable` with one reason and its JSON path */
export function parseOverrides(text: string): Overrides {
  const fields = parseJson(text, { subject, publicOnly: true }).fields().only(members);
  const rotateRequestedAt = fields.maybe("rotateRequestedAt")?.text(texts.request);
  const recoverRequestedAt = instantIn(fields, "recoverRequestedAt");
  const recoverJwks = fields.maybe("recoverJwks")?.freeText(1, texts.jwks);
  const activeKid = kidOrEmpty(fields.maybe("activeKid"));
  const revokedKids = fields.maybe("revokedKids")?.list(256).map(readRevoked);
  const revokeKeysCreatedBefore = instantIn(fields, "revokeKeysCreatedBefore");
  return {
    ...(rotateRequestedAt !== undefined && { rotateRequestedAt }),
    ...(recoverRequestedAt !== undefined && { recoverRequestedAt }),
    ...(recoverJwks !== undefined && { recoverJwks }),
    ...(activeKid !== undefined && { activeKid }),
    ...(revokedKids !== undefined && { revokedKids }),
    ...(revokeKeysCreatedBefore !== undefined && { revokeKeysCreatedBefore }),
  };
}

function kidOrEmpty(at: Cursor | undefined): string | undefined {
  return at?.value === "" ? "" : at?.text(texts.kid);
}

function instantIn(fields: Fields, name: string): string | undefined {
  const at = fields.maybe(name);
  if (!at) return undefined;
  const text = at.text(texts.instant);
  if (readInstant(text) === undefined) throw at.error("must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z");
  return text;
}

function readRevoked(at: Cursor): { kid: string; reason?: string } {
  const fields = at.fields().only(["kid", "reason"]);
  const reason = fields.maybe("reason")?.freeText(0, texts.reason);
  return { kid: fields.at("kid").text(texts.kid), ...(reason !== undefined && { reason }) };
}

/** Replaces overrides.json, at once and whole. */
export async function writeOverrides(disk: Disk, path: string, overrides: Overrides): Promise<void> {
  await replaceFile(disk, path, { text: `${JSON.stringify(overrides, undefined, 2)}\n`, mode: modes.secretFile });
}
