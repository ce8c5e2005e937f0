import { readIfThere, replaceFile } from "../../files/atomic.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import { revokedKidsLimit } from "../../ring/ring.ts";
import { modes } from "../store/layout.ts";
import { storageError } from "../../files/storage-error.ts";
import { instant } from "../../parse/forms.ts";
import { type Cursor, type ObjectCursor } from "../../parse/cursor.ts";
import { parseJson } from "../../parse/document.ts";

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

/** What can be read of overrides.json, and what is wrong with the rest. */
export interface OverridesRead {
  readonly overrides: Overrides;
  /** `OverridesUnreadable`, with one reason and its JSON path; or why the file can't be opened. */
  readonly problem?: ChangeNeededError;
}

/**
 * The overrides of a directory, none when there is no file. What is wrong with one member takes nothing from the others: a
 * revocation may be among them.
 */
export async function readOverrides(disk: Reader, path: string): Promise<OverridesRead> {
  try {
    const text = await readIfThere(disk, path);
    return text === undefined ? { overrides: {} } : readableOverrides(text);
  } catch (error) {
    const told = storageError(error);
    if (!(told instanceof KeyturnError)) throw error;
    return { overrides: {}, problem: new ChangeNeededError(subject.code, told.message, { cause: error }) };
  }
}

/** @throws ChangeNeededError `OverridesUnreadable` with one reason and its JSON path */
export function parseOverrides(text: string): Overrides {
  const { overrides, problem } = readableOverrides(text);
  if (problem) throw problem;
  return overrides;
}

function readableOverrides(text: string): OverridesRead {
  const problems: ChangeNeededError[] = [];
  const tried = <Value>(read: () => Value): Value | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ChangeNeededError)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const fields = tried(() => parseJson(text, { subject, publicOnly: true }).fields());
  const overrides = fields ? readMembers(fields, tried) : {};
  const [problem] = problems;
  return { overrides, ...(problem && { problem }) };
}

type Tried = <Value>(read: () => Value) => Value | undefined;

function readMembers(fields: ObjectCursor, tried: Tried): Overrides {
  tried(() => fields.only(members));
  const rotateRequestedAt = tried(() => fields.maybe("rotateRequestedAt")?.text(texts.request));
  const recoverRequestedAt = tried(() => instantIn(fields, "recoverRequestedAt"));
  const recoverJwks = tried(() => fields.maybe("recoverJwks")?.freeText(1, texts.jwks));
  const activeKid = tried(() => kidOrEmpty(fields.maybe("activeKid")));
  const listed = tried(() => fields.maybe("revokedKids")?.list(Infinity));
  const revokedKids = listed?.flatMap((at) => readRevoked(at, tried)).slice(-revokedKidsLimit);
  const revokeKeysCreatedBefore = tried(() => instantIn(fields, "revokeKeysCreatedBefore"));
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

function instantIn(fields: ObjectCursor, name: string): string | undefined {
  const at = fields.maybe(name);
  if (!at) return undefined;
  const text = at.text(texts.instant);
  at.as(instant);
  return text;
}

/** An entry whose kid can be read counts, whatever else is wrong with it. */
function readRevoked(at: Cursor, tried: Tried): NonNullable<Overrides["revokedKids"]> {
  const fields = tried(() => at.fields());
  if (!fields) return [];
  tried(() => fields.only(["kid", "reason"]));
  const kid = tried(() => fields.at("kid").text(texts.kid));
  const reason = tried(() => reasonOrEmpty(fields.maybe("reason")));
  return kid === undefined ? [] : [{ kid, ...(reason !== undefined && { reason }) }];
}

function reasonOrEmpty(at: Cursor | undefined): string | undefined {
  return at?.value === "" ? "" : at?.text(texts.reason);
}

/** What was said before a file was damaged, and what can still be read of it. */
export const unitedOverrides = (before: Overrides, now: Overrides): Overrides => ({
  ...before,
  ...now,
  ...((before.revokedKids ?? now.revokedKids) && { revokedKids: unitedKids(before.revokedKids, now.revokedKids) }),
});

function unitedKids(
  before: NonNullable<Overrides["revokedKids"]> = [],
  now: NonNullable<Overrides["revokedKids"]> = [],
): NonNullable<Overrides["revokedKids"]> {
  const others = before.filter(({ kid }) => !now.some((one) => one.kid === kid));
  return [...others, ...now].slice(-revokedKidsLimit);
}

/** Replaces overrides.json, at once and whole. */
export async function writeOverrides(disk: Disk, path: string, overrides: Overrides): Promise<void> {
  await replaceFile(disk, path, { text: `${JSON.stringify(overrides, undefined, 2)}\n`, mode: modes.secretFile });
}
