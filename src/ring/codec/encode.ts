import type { KeyMaterial, PrivateJwk } from "../jwk.ts";
import type { Key } from "../key.ts";
import { keysOf, type Ring } from "../ring.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { readKeyRing, type KeyRing } from "./decode.ts";
import { bothHalves, publicHalf } from "./read-jwk.ts";
import {
  type PrivateWireKey,
  type PrivateWireRevocation,
  type PrivateWireRing,
  type PublicWireKey,
  type PublicWireRevocation,
  type PublicWireRing,
  type RingObject,
  type WireFacts,
} from "./wire.ts";
import { formatInstant } from "../../parse/instant.ts";
import { formats } from "../../parse/api-names.ts";

/**
 * Returns the `keyring.json` of one object: the same text for the same facts, in members' fixed order, keys in the order
 * of `keysOf`. Private halves go out for the keys that `canSign` alone: all of them in `ring`, the signer's in `signer`,
 * none in `public`, which carries no revocation reason either.
 *
 * @throws ChangeNeededError `RingUnreadable` when the document could not be read back: what nobody can read must not
 *   replace what everybody can
 */
export function encodeKeyRing(ring: Ring, materials: KeyRing["materials"], object: RingObject): string {
  const document = object === "public" ? publicDocument(ring, materials) : privateDocument(ring, materials, object);
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  readKeyRing(text, object, { code: "RingUnreadable", action: "Cannot write key ring" });
  return text;
}

function publicDocument(ring: Ring, materials: KeyRing["materials"]): PublicWireRing {
  return {
    ...opening(ring),
    keys: keysOf(ring).map((key) => publicKey(key, materialOf(key, materials))),
    revoked: ring.revoked.map(publicRevocation),
    ...closing(ring),
  };
}

function privateDocument(ring: Ring, materials: KeyRing["materials"], object: "ring" | "signer"): PrivateWireRing {
  return {
    ...opening(ring),
    keys: keysOf(ring).map((key) => {
      const material = materialOf(key, materials);
      return object === "ring" || key.state === "active" ? privateKey(key, material) : publicKey(key, material);
    }),
    revoked: ring.revoked.map(privateRevocation),
    ...closing(ring),
  };
}

type DocumentHead = Pick<PublicWireRing, "format" | "rotation" | "generation" | "writes" | "settings">;

function opening({ rotation, generation, writes, settings }: Ring): DocumentHead {
  return {
    format: formats.keyRing,
    rotation: { namespace: rotation.namespace, name: rotation.name },
    generation,
    ...(writes && { writes: [...writes] }),
    settings: {
      clockSkewSeconds: seconds(settings.clockSkewMs),
      jwksMaxAgeSeconds: seconds(settings.jwksMaxAgeMs),
      mintMaxTTLSeconds: seconds(settings.mintMaxTTLMs),
      rotationWindowSeconds: seconds(settings.rotationWindowMs),
    },
  };
}

type Closing = Pick<PublicWireRing, "revokedBefore" | "longerMaxAge" | "handledRequests">;

function closing({ revokedBefore, longerMaxAge, handledRequests }: Ring): Closing {
  return {
    ...(revokedBefore && {
      revokedBefore: {
        requested: formatInstant(revokedBefore.requestedMs),
        effective: formatInstant(revokedBefore.effectiveMs),
      },
    }),
    ...(longerMaxAge && {
      longerMaxAge: {
        maxAgeSeconds: seconds(longerMaxAge.maxAgeMs),
        loweredAt: formatInstant(longerMaxAge.loweredAtMs),
      },
    }),
    handledRequests: [...handledRequests],
  };
}

function facts(key: Key): WireFacts {
  const { algorithm, issuer, audiences, maxTTLMs } = key.profile;
  return {
    kid: key.kid,
    profile: { algorithm, issuer, audiences: [...audiences], maxTTLSeconds: seconds(maxTTLMs) },
    state: key.state,
    createdAt: formatInstant(key.createdAtMs),
    ...(key.adoptedAtMs !== undefined && { adoptedAt: formatInstant(key.adoptedAtMs) }),
    waitSeconds: seconds(key.waitMs),
    ...(key.publishedAtMs !== undefined && { publishedAt: formatInstant(key.publishedAtMs) }),
    ...stateFacts(key),
  };
}

function stateFacts(key: Key): Partial<WireFacts> {
  switch (key.state) {
    case "prepared":
      return {};
    case "active":
      return { activatedAt: formatInstant(key.activatedAtMs), windowSeconds: seconds(key.windowMs) };
    case "verify-only":
      return {
        ...(key.activatedAtMs !== undefined && { activatedAt: formatInstant(key.activatedAtMs) }),
        windowSeconds: seconds(key.windowMs),
        demotedAt: formatInstant(key.demotedAtMs),
        demotedInGeneration: key.demotedInGeneration,
        ...(key.quiescedAtMs !== undefined && { quiescedAt: formatInstant(key.quiescedAtMs) }),
      };
    default:
      return key satisfies never;
  }
}

function publicKey(key: Key, { publicJwk }: KeyMaterial): PublicWireKey {
  return { ...facts(key), publicJwk: publicHalf(publicJwk) };
}

function privateKey(key: Key, material: KeyMaterial): PrivateWireKey {
  if (!key.canSign) return publicKey(key, material);
  return { ...publicKey(key, material), privateJwk: bothHalves(halfOf(key, material)) };
}

function publicRevocation({ kid, thumbprint, revokedAtMs }: Ring["revoked"][number]): PublicWireRevocation {
  return { kid, ...(thumbprint !== undefined && { thumbprint }), revokedAt: formatInstant(revokedAtMs) };
}

function privateRevocation(revocation: Ring["revoked"][number]): PrivateWireRevocation {
  const { reason } = revocation;
  return { ...publicRevocation(revocation), ...(reason !== undefined && { reason }) };
}

function materialOf(key: Key, materials: KeyRing["materials"]): KeyMaterial {
  const material = materials.get(key.kid);
  if (!material) throw unwritable(`the ${key.state} key has no material`);
  return material;
}

function halfOf(key: Key, { privateJwk }: KeyMaterial): PrivateJwk {
  if (!privateJwk) throw unwritable(`the ${key.state} key can sign, but its private half is missing`);
  return privateJwk;
}

const unwritable = (reason: string): ChangeNeededError =>
  new ChangeNeededError("RingUnreadable", `Cannot write key ring: ${reason}`);

const seconds = (durationMs: number): number => durationMs / 1000;
