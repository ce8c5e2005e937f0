import type { KeyMaterial, PrivateJwk, PublicJwk } from "../jwk.ts";
import { algorithms, type Key, type Profile } from "../key.ts";
import { identity, jwkMembers, misfit, modulusBitsOf, readPrivateJwk, readPublicJwk } from "./read-jwk.ts";
import { longest, type RingObject } from "./wire.ts";
import { type Cursor, type ObjectCursor } from "../../parse/cursor.ts";

export interface DecodedKey {
  readonly at: Cursor;
  readonly fields: ObjectCursor;
  readonly key: Key;
  readonly material: KeyMaterial;
}

const everyKeyHas = [
  "kid",
  "profile",
  "state",
  "createdAt",
  "adoptedAt",
  "waitSeconds",
  "publishedAt",
  "publicJwk",
  "privateJwk",
];
const members: Readonly<Record<Key["state"], readonly string[]>> = {
  prepared: everyKeyHas,
  active: [...everyKeyHas, "activatedAt", "windowSeconds"],
  "verify-only": [...everyKeyHas, "activatedAt", "windowSeconds", "demotedAt", "demotedInGeneration", "quiescedAt"],
};

/** One item of `keys`. What depends on other keys is checked by the caller. */
export function readKey(at: Cursor, object: RingObject): DecodedKey {
  const fields = at.fields().only(members["verify-only"]);
  const state = fields.at("state").oneOf(["prepared", "active", "verify-only"]);
  for (const name of members["verify-only"]) {
    if (!members[state].includes(name)) {
      const unfit = fields.maybe(name);
      if (unfit) throw unfit.error(`must be absent while the key is ${state}`);
    }
  }
  const profile = readProfile(fields.at("profile"));
  const material = readMaterial(fields, profile);
  mayHoldHalf({ at, fields, state, object, material });
  return { at, fields, key: keyFrom(fields, state, { profile, material }), material };
}

function keyFrom(
  fields: ObjectCursor,
  state: Key["state"],
  { profile, material }: { readonly profile: Profile; readonly material: KeyMaterial },
): Key {
  const modulusBits = modulusBitsOf(material.publicJwk);
  const publishedAtMs = fields.maybe("publishedAt")?.instant();
  const adoptedAtMs = fields.maybe("adoptedAt")?.instant();
  const facts = {
    kid: fields.at("kid").text(longest.kid),
    profile,
    ...(modulusBits !== undefined && { modulusBits }),
    createdAtMs: fields.at("createdAt").instant(),
    waitMs: fields.at("waitSeconds").seconds(0),
    ...(publishedAtMs !== undefined && { publishedAtMs }),
    ...(adoptedAtMs !== undefined && { adoptedAtMs }),
    canSign: material.privateJwk !== undefined,
  };
  switch (state) {
    case "prepared":
      return { ...facts, state };
    case "active":
      return {
        ...facts,
        state,
        activatedAtMs: fields.at("activatedAt").instant(),
        windowMs: fields.at("windowSeconds").seconds(0),
      };
    case "verify-only": {
      const activatedAtMs = fields.maybe("activatedAt")?.instant();
      const quiescedAtMs = fields.maybe("quiescedAt")?.instant();
      return {
        ...facts,
        state,
        ...(activatedAtMs !== undefined && { activatedAtMs }),
        windowMs: fields.at("windowSeconds").seconds(0),
        demotedAtMs: fields.at("demotedAt").instant(),
        demotedInGeneration: fields.at("demotedInGeneration").wholeNumber(1),
        ...(quiescedAtMs !== undefined && { quiescedAtMs }),
      };
    }
    default:
      return state satisfies never;
  }
}

function readProfile(at: Cursor): Profile {
  const fields = at.fields().only(["algorithm", "issuer", "audiences", "maxTTLSeconds"]);
  const audiencesAt = fields.at("audiences");
  const audiences = audiencesAt.list(longest.audiences).map((audience) => audience.text(longest.audience));
  if (audiences.length === 0) throw audiencesAt.error("must have at least one item");
  return {
    algorithm: fields.at("algorithm").oneOf(algorithms),
    issuer: fields.at("issuer").text(longest.issuer),
    audiences,
    maxTTLMs: fields.at("maxTTLSeconds").seconds(1),
  };
}

function readMaterial(fields: ObjectCursor, { algorithm }: Profile): KeyMaterial {
  const publicAt = fields.at("publicJwk");
  const publicJwk = readPublicJwk(publicAt.fields());
  publicAt.fields().only(jwkMembers(publicJwk.kty, "public"));
  const unfit = misfit(algorithm, publicJwk);
  if (unfit !== undefined) throw publicAt.error(unfit);
  const privateAt = fields.maybe("privateJwk");
  return privateAt ? { publicJwk, privateJwk: readPrivateHalf(privateAt, publicJwk) } : { publicJwk };
}

function readPrivateHalf(at: Cursor, publicJwk: PublicJwk): PrivateJwk {
  const privateJwk = readPrivateJwk(at.fields());
  at.fields().only(jwkMembers(privateJwk.kty, "private"));
  if (identity(privateJwk) !== identity(publicJwk)) throw at.error("must have the public members of publicJwk");
  return privateJwk;
}

interface Holding {
  readonly at: Cursor;
  readonly fields: ObjectCursor;
  readonly state: Key["state"];
  readonly object: RingObject;
  readonly material: KeyMaterial;
}

/** The ring object keeps the standby's half always; the signer object has no half but the signer's. */
function mayHoldHalf({ at, fields, state, object, material }: Holding): void {
  if (object === "ring" && state === "prepared" && !material.privateJwk) {
    throw at.error("must have a privateJwk: it is prepared to sign");
  }
  if (object !== "ring" && material.privateJwk && !(object === "signer" && state === "active")) {
    throw fields.at("privateJwk").error("must be absent: only the active key has its private half here");
  }
}
