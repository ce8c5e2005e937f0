import type { Instructions } from "../../keeper/observe.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { refusalOf, type Told } from "../../ring/obey.ts";
import type { Emergency } from "../../ring/resource/emergency-fields.ts";
import { requestsOf, type RefusedRotation, type Rotation } from "../../ring/resource/rotation.ts";
import type { Overrides, OverridesRead } from "./overrides.ts";
import { readInstant } from "../../parse/instant.ts";

/** What was read of a directory's settings. */
export interface SettingsRead {
  /** The config in force; where none can be used and none was before, what can be read of it. */
  readonly rotation: Rotation | RefusedRotation;
  /** The config that stands there now, where the one before it is in force: why, and what of it is obeyed all the same. */
  readonly refused?: RefusedRotation | KeyturnError;
  readonly overrides: OverridesRead;
}

/** The config with what the tools ask for beside it; they are an origin of requests of their own. */
export function effective({ rotation, refused, overrides }: SettingsRead): Instructions {
  const { rotateRequestedAt, recoverRequestedAt, recoverJwks } = overrides.overrides;
  const asked = [rotation.annotations.recoverRequestedAtMs, instantMs(recoverRequestedAt)];
  const recoverRequestedAtMs = Math.max(...asked.map((ms) => ms ?? -Infinity));
  return {
    told: {
      rotation,
      emergencies: [...emergencyOf(refused), emergencyIn(overrides.overrides)],
      refusals: [refused && errorOf(refused), overrides.problem].flatMap((one) => (one ? [refusalOf(one, false)] : [])),
    },
    requests: [...requestsOf(rotation), ...(rotateRequestedAt === undefined ? [] : [`override:${rotateRequestedAt}`])],
    ...(recoverRequestedAtMs > -Infinity && { recoverRequestedAtMs }),
    ...(recoverJwks !== undefined && { recoverJwks }),
  };
}

type Emergencies = NonNullable<Told["emergencies"]>;

/** The error of a config that can't be used. */
export const errorOf = (refused: RefusedRotation | KeyturnError): KeyturnError =>
  refused instanceof KeyturnError ? refused : refused.refused;

/** Not its pin: that one is for the rotation that is to come. */
function emergencyOf(refused: SettingsRead["refused"]): Emergencies {
  if (refused === undefined || refused instanceof KeyturnError) return [];
  return [{ ...withoutPin(refused.emergency), from: "spec.revokeKeysCreatedBefore" }];
}

const withoutPin = ({ pinnedKid: _pinnedKid, ...emergency }: Emergency): Emergency => emergency;

function emergencyIn({ activeKid, revokedKids = [], revokeKeysCreatedBefore }: Overrides): Emergencies[number] {
  const revokeCreatedBeforeMs = instantMs(revokeKeysCreatedBefore);
  return {
    from: "overrides.json: revokeKeysCreatedBefore",
    ...(activeKid !== undefined && { pinnedKid: activeKid }),
    revokedKids: revokedKids.map(({ kid, reason = "" }) => ({ kid, ...(reason !== "" && { reason }) })),
    ...(revokeCreatedBeforeMs !== undefined && { revokeCreatedBeforeMs }),
  };
}

const instantMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : readInstant(text);
