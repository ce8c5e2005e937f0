import type { KeyMaterials } from "../jwk.ts";
import type { ActiveKey, Key, PreparedKey, VerifyOnlyKey } from "../key.ts";
import { handledLimit, keyLimit, revokedLimit, type Revocation, type Ring, type RingSettings } from "../ring.ts";
import { writesLimit } from "../lineage.ts";
import { readKey, type DecodedKey } from "./decode-key.ts";
import { identity } from "./read-jwk.ts";
import { longest, type RingObject } from "./wire.ts";
import { type Cursor, type ObjectCursor, type Subject } from "../../parse/cursor.ts";
import { parseJson } from "../../parse/document.ts";
import { formats } from "../../parse/api-names.ts";

/** A ring as facts, with the key material beside it. */
export interface KeyRing {
  readonly ring: Ring;
  /** By kid, in the order of the document's `keys`. */
  readonly materials: KeyMaterials;
}

/**
 * Returns the facts and halves of a `keyring.json`, all of it checked but what needs cryptography (`openKeyRing` does
 * that). `canSign` says whether this document holds the private half: false for every key of the public object.
 *
 * @throws ChangeNeededError `RingUnreadable` with one reason and its JSON path; never with key material
 */
export function decodeKeyRing(text: string, object: RingObject): KeyRing {
  return readKeyRing(text, object, { code: "RingUnreadable", action: "Cannot read key ring" });
}

/** {@link decodeKeyRing} with other words in its errors. */
export function readKeyRing(text: string, object: RingObject, subject: Subject): KeyRing {
  const root = parseJson(text, { subject, publicOnly: object === "public" }).fields();
  root.at("format").oneOf([formats.keyRing]);
  root.only([
    "format",
    "rotation",
    "generation",
    "writes",
    "settings",
    "keys",
    "revoked",
    "revokedBefore",
    "longerMaxAge",
    "handledRequests",
  ]);
  const generation = root.at("generation").wholeNumber(1);
  const keys = readKeys(root.at("keys"), object);
  for (const { key, fields } of keys) {
    if (key.state === "verify-only" && key.demotedInGeneration > generation) {
      throw fields.at("demotedInGeneration").error(`must be at most the ring's generation, ${generation}`);
    }
  }
  const ring: Ring = {
    rotation: readRotationRef(root.at("rotation")),
    generation,
    ...readWrites(root.maybe("writes")),
    settings: readSettings(root.at("settings")),
    ...byState(root.at("keys"), keys),
    revoked: readRevoked(root.at("revoked"), keys, object),
    ...readRevokedBefore(root.maybe("revokedBefore")),
    ...readLongerMaxAge(root.maybe("longerMaxAge")),
    handledRequests: root
      .at("handledRequests")
      .list(handledLimit)
      .map((item) => item.freeText(1, longest.request)),
  };
  return { ring, materials: new Map(keys.map(({ key, material }) => [key.kid, material])) };
}

function readRotationRef(at: Cursor): Ring["rotation"] {
  const fields = at.fields().only(["namespace", "name"]);
  return { namespace: fields.at("namespace").text(longest.name), name: fields.at("name").text(longest.name) };
}

function readWrites(at: Cursor | undefined): Pick<Ring, "writes"> {
  return at ? { writes: at.list(writesLimit).map((item) => item.text(longest.writeId)) } : {};
}

function readSettings(at: Cursor): RingSettings {
  const fields = at
    .fields()
    .only(["clockSkewSeconds", "jwksMaxAgeSeconds", "mintMaxTTLSeconds", "rotationWindowSeconds"]);
  return {
    clockSkewMs: fields.at("clockSkewSeconds").seconds(0),
    jwksMaxAgeMs: fields.at("jwksMaxAgeSeconds").seconds(0),
    mintMaxTTLMs: fields.at("mintMaxTTLSeconds").seconds(1),
    rotationWindowMs: fields.at("rotationWindowSeconds").seconds(0),
  };
}

function readKeys(at: Cursor, object: RingObject): readonly DecodedKey[] {
  const keys = at.list(keyLimit).map((item) => readKey(item, object));
  const kids = new Map<string, Cursor>();
  const halves = new Map<string, Cursor>();
  for (const { at: keyAt, fields, key, material } of keys) {
    const sameKid = kids.get(key.kid);
    if (sameKid) throw fields.at("kid").repeats(sameKid);
    const sameKey = halves.get(identity(material.publicJwk));
    // Revoking one kid would leave the key at work under the other
    if (sameKey) throw fields.at("publicJwk").error(`must be unique, the same key stands in ${sameKey.path} too`);
    kids.set(key.kid, keyAt);
    halves.set(identity(material.publicJwk), keyAt);
  }
  return keys;
}

function byState(at: Cursor, keys: readonly DecodedKey[]): Pick<Ring, "signer" | "standby" | "retiring"> {
  const signer = only(keys, isActive);
  if (!signer) throw at.error("must have exactly one active key, has none");
  const standby = only(keys, isPrepared);
  return { signer, ...(standby && { standby }), retiring: keys.map(({ key }) => key).filter(isVerifyOnly) };
}

const isActive = (key: Key): key is ActiveKey => key.state === "active";
const isPrepared = (key: Key): key is PreparedKey => key.state === "prepared";
const isVerifyOnly = (key: Key): key is VerifyOnlyKey => key.state === "verify-only";

function only<Found extends Key>(keys: readonly DecodedKey[], is: (key: Key) => key is Found): Found | undefined {
  let first: { readonly key: Found; readonly at: Cursor } | undefined;
  for (const { key, at, fields } of keys) {
    if (!is(key)) continue;
    if (first) throw fields.at("state").error(`must be unique, ${first.at.path} is ${key.state} too`);
    first = { key, at };
  }
  return first?.key;
}

function readRevoked(at: Cursor, keys: readonly DecodedKey[], object: RingObject): readonly Revocation[] {
  const seen = new Map<string, Cursor>();
  return at.list(revokedLimit).map((item) => {
    const everywhere = ["kid", "thumbprint", "revokedAt"];
    const fields = item.fields().only(object === "public" ? everywhere : [...everywhere, "reason"]);
    const kid = fields.at("kid").text(longest.kid);
    const alive = keys.find(({ key }) => key.kid === kid);
    if (alive) throw fields.at("kid").error(`must not be among the keys, ${alive.at.path} has it`);
    const again = seen.get(kid);
    if (again) throw fields.at("kid").repeats(again);
    seen.set(kid, item);
    const thumbprint = fields.maybe("thumbprint")?.text(longest.kid);
    const reason = fields.maybe("reason")?.freeText(0, longest.reason);
    return {
      kid,
      ...(thumbprint !== undefined && { thumbprint }),
      revokedAtMs: fields.at("revokedAt").instant(),
      ...(reason !== undefined && { reason }),
    };
  });
}

function readRevokedBefore(at: Cursor | undefined): Pick<Ring, "revokedBefore"> {
  const fields: ObjectCursor | undefined = at?.fields().only(["requested", "effective"]);
  if (!fields) return {};
  const requestedMs = fields.at("requested").instant();
  const effectiveMs = fields.at("effective").instant();
  if (effectiveMs > requestedMs) throw fields.at("effective").error("must not be later than requested");
  return { revokedBefore: { requestedMs, effectiveMs } };
}

function readLongerMaxAge(at: Cursor | undefined): Pick<Ring, "longerMaxAge"> {
  const fields: ObjectCursor | undefined = at?.fields().only(["maxAgeSeconds", "loweredAt"]);
  if (!fields) return {};
  const maxAgeMs = fields.at("maxAgeSeconds").seconds(1);
  return { longerMaxAge: { maxAgeMs, loweredAtMs: fields.at("loweredAt").instant() } };
}
