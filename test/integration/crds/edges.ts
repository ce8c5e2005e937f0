import { formatDuration } from "../../../src/parse/duration.ts";
import { durations } from "../../../src/ring/resource/limits.ts";
import { resource, withRotation, withTokens } from "../../ring/resource/resource.ts";
import { type DurationBounds } from "../../../src/parse/forms.ts";

/** Just outside, at and just inside what a duration may be. */
const edges = ({ leastMs, mostMs }: DurationBounds): readonly string[] =>
  [leastMs - 1000, leastMs, mostMs, mostMs + 1000].filter((ms) => ms >= 0).map(formatDuration);

interface Durations {
  readonly interval?: string | undefined;
  readonly minimum?: string | undefined;
  readonly maxTTL?: string | undefined;
  readonly clockSkew?: string | undefined;
  readonly rotationWindow?: string | undefined;
  readonly rollbackWindow?: string | undefined;
}

const withDurations = ({ interval, minimum, maxTTL, clockSkew, ...windows }: Durations): object =>
  resource({ ...withTokens({ maxTTL, clockSkew }), propagation: { minimum }, rotation: { interval }, ...windows });

/** Settings that break rules over several fields, or don't. */
const neighbours: readonly Durations[] = [undefined, "1s", "17520h"].flatMap((rotationWindow) =>
  [undefined, "17520h"].flatMap((rollbackWindow) =>
    [undefined, "1s"].map((interval) => ({ rotationWindow, rollbackWindow, interval })),
  ),
);

const bounds: Readonly<Record<keyof Durations, DurationBounds>> = {
  ...durations,
  minimum: durations.propagationMinimum,
};

/** Each duration at its bounds, among such neighbours: whether a rule over several fields speaks up, and only when it should. */
export const edgesAmongNeighbours = (
  ["interval", "minimum", "maxTTL", "clockSkew", "rotationWindow", "rollbackWindow"] as const
).flatMap((field) =>
  edges(bounds[field]).flatMap((value) => neighbours.map((others) => withDurations({ ...others, [field]: value }))),
);

/** Each rule over several fields just inside and just outside, once with what is set and once with defaults. */
export const edgesOfRules: readonly object[] = [
  ...["1h32m", "1h32m1s", "x", "1.5s", "17520h0.5s"].map((rollbackWindow) => resource({ rollbackWindow })),
  ...["12m40s", "12m39s", "x", "0.5s"].map((interval) => resource(withRotation({ interval }))),
  ...["8639h", "8639h0m1s", "x"].map((rotationWindow) => resource({ rotationWindow })),
  resource({ propagation: { minimum: "x" } }),
  ...["ES256", "ES384", "ES512", "EdDSA", "PS256"].map((algorithm) => resource({ algorithm, rsaModulusBits: 2048 })),
  resource({ tokens: undefined }),
  { ...resource(), spec: undefined },
];

const zeros = (length: number, end: string): string => end.padStart(length, "0");
const entries = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, "v"]));
const keys = ["a".repeat(253), "a".repeat(254)].flatMap((prefix) => [`${prefix}/b`, `${prefix}/${"c".repeat(63)}`]);
const reserved = ["keyturn.dev/object", "keyturn.dev/x", "keyturn.devs/x"];

/** The longest texts and fullest maps, and one more. */
export const edgesOfLengths: readonly object[] = [
  ...["interval", "minimum", "maxTTL", "clockSkew", "rotationWindow", "rollbackWindow"].flatMap((field) =>
    [32, 33].map((length) => withDurations({ [field]: zeros(length, field === "rotationWindow" ? "2h" : "1h") })),
  ),
  ...[32, 33].map((length) => resource({ adoption: { maxTTL: zeros(length, "1h") } })),
  ...["0", "00", "000"].map((first) => resource(withRotation({ schedule: `${first}${",0".repeat(59)} 0 1 1 *` }))),
  ...["labels", "annotations", "ringAnnotations"].flatMap((map) => [
    ...[32, 33].map((count) => resource({ secretTemplate: { [map]: entries(count) } })),
    ...[...keys, ...reserved, "a b", "c".repeat(64)].map((key) =>
      resource({ secretTemplate: { [map]: { [key]: "" } } }),
    ),
  ]),
];
