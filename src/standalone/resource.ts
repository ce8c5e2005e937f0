import { readInstant } from "../ring/spec/scalars.ts";
import { parseRotation, requestsOf, type Rotation } from "../ring/spec.ts";
import type { Overrides } from "./overrides.ts";

/** A rotation with what the tools ask for merged in. */
export interface Effective {
  readonly rotation: Rotation;
  /** Each origin's current request; the tools are an origin of their own, so that neither hides the other's. */
  readonly requests: readonly string[];
  /** The latest request for a recovery, of whichever origin. */
  readonly recoverRequestedAtMs?: number;
  readonly recoverJwks?: string;
}

/**
 * Checks a JwtKeyRotation with the overrides merged in, so that the same rules and messages hold whoever asks.
 *
 * @throws ChangeNeededError `InvalidSpec`
 */
export function effective(resource: unknown, overrides: Overrides): Effective {
  const rotation = parseRotation(merged(resource, overrides));
  const { rotateRequestedAt, recoverRequestedAt, recoverJwks } = overrides;
  const asked = [rotation.annotations.recoverRequestedAtMs, instantMs(recoverRequestedAt)];
  const recoverRequestedAtMs = Math.max(...asked.map((ms) => ms ?? -Infinity));
  return {
    rotation,
    requests: [...requestsOf(rotation), ...(rotateRequestedAt === undefined ? [] : [`override:${rotateRequestedAt}`])],
    ...(recoverRequestedAtMs > -Infinity && { recoverRequestedAtMs }),
    ...(recoverJwks !== undefined && { recoverJwks }),
  };
}

const instantMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : readInstant(text);

/** What is no resource at all comes back as it was: `parseRotation` says what is wrong. */
function merged(resource: unknown, overrides: Overrides): unknown {
  if (!isObject(resource)) return resource;
  const spec = resource["spec"];
  if (!isObject(spec)) return resource;
  const { activeKid } = overrides;
  const revokedKids = united(spec["revokedKids"], overrides.revokedKids);
  const revokeKeysCreatedBefore = later(spec["revokeKeysCreatedBefore"], overrides.revokeKeysCreatedBefore);
  return {
    ...resource,
    spec: {
      ...spec,
      ...(activeKid !== undefined && { activeKid }),
      ...(revokedKids !== undefined && { revokedKids }),
      ...(revokeKeysCreatedBefore !== undefined && { revokeKeysCreatedBefore }),
    },
  };
}

/** The config's own entries, and those of the overrides that it does not have. */
function united(configured: unknown, asked: Overrides["revokedKids"]): unknown {
  if (!asked || asked.length === 0) return configured;
  if (configured === undefined || configured === null) return asked;
  if (!Array.isArray(configured)) return configured;
  const own: readonly unknown[] = configured;
  const kids = new Set(own.map((entry) => (isObject(entry) ? entry["kid"] : undefined)));
  return [...own, ...asked.filter(({ kid }) => !kids.has(kid))];
}

function later(configured: unknown, asked: string | undefined): unknown {
  if (asked === undefined || configured === undefined || configured === null || configured === "") {
    return asked ?? configured;
  }
  const configuredMs = typeof configured === "string" ? readInstant(configured) : undefined;
  return configuredMs === undefined || configuredMs >= (readInstant(asked) ?? -Infinity) ? configured : asked;
}

/** True for a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
