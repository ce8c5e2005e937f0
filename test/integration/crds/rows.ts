import { edgesAmongNeighbours, edgesOfLengths, edgesOfRules } from "./edges.ts";
import fc from "fast-check";
import { resource, withRotation, withTokens } from "../../ring/resource/resource.ts";

/** Texts for a duration that stumble where Go, CEL and the parser might part. */
const oddDurations = [
  ...[
    "1h30m",
    "30m1h",
    "1h1h",
    "1.5h",
    "0.5m30s",
    "90m",
    "3600000ms",
    "500ms500ms",
    "0001h",
    "0000000000000000000000000000001h",
  ],
  ...[
    "1.0000000000000000000000000000h",
    "0.25h",
    "1.00001s",
    "1s1ms",
    "0.1ms",
    "1h ",
    " 1h",
    "1H",
    "1h30",
    "1,5h",
    "+1h",
    "-0s",
    ".5h",
    "1.h",
  ],
  ...[
    "0",
    "h",
    "1d",
    "1us",
    "1µs",
    "1ns",
    "∞",
    "1h\n",
    "99999h",
    "100000h",
    "2562048h",
    "99999999999999h",
    "9999999m",
    "10000000m",
  ],
  ...[
    "999999999s",
    "1000000000s",
    "9223372037s",
    "99999h99999h99999h99999h99999h",
    "0000000000000000000000000000000001h",
  ],
];

const oddInstants = [
  ...[
    "2026-11-21T10:00:00.5Z",
    "2028-02-29T23:59:59Z",
    "2000-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
  ],
  ...[
    "1900-02-29T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-06-31T00:00:00Z",
    "2026-09-31T00:00:00Z",
    "2026-11-31T00:00:00Z",
  ],
  ...[
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
  ],
  ...[
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00+0100",
  ],
  ...[
    "2026-11-21t10:00:00z",
    "2026-11-21 10:00:00Z",
    "2026-11-21T10:00:00.Z",
    "2026-11-21T10:00:00.1234567890Z",
    "2026-01-01T00:00:00Z\n",
  ],
];

const hasMinimum = { rotation: { interval: "0s" }, propagation: { minimum: "0s" } };

/** Resources that stumble where CEL and the parser might part, beside those of the parser's own tables. */
export const oddResources: readonly object[] = [
  ...edgesAmongNeighbours,
  ...edgesOfRules,
  ...edgesOfLengths,
  ...oddDurations.map((maxTTL) => resource({ ...withTokens({ maxTTL, clockSkew: "0s" }), ...hasMinimum })),
  ...oddDurations.map((rotationWindow) => resource({ rotationWindow, ...hasMinimum })),
  ...oddDurations.map((interval) => resource(withRotation({ interval }))),
  ...oddInstants.map((revokeKeysCreatedBefore) => resource({ revokeKeysCreatedBefore })),
  ...[
    "@DAILY",
    " @daily ",
    "@every 1h",
    "@reboot",
    "0  3 1 * *",
    " 0 3 1 * * ",
    "TZ=UTC @daily",
    " CRON_TZ=UTC 0 3 1 * *",
    "0\t3 1 * *",
    "59 23 31 12 7",
    "60 3 1 1 *",
    "99 24 0 0 8",
    "0 24 32 13 *",
    "00 003 01 1 *",
    "5/15 0 1 1 *",
    "*/0 0 1 1 *",
    "5/400 0 1 1 *",
    "0 0 1 JAN-mar/2 ?",
    "0 0 ? feb MON,wed",
    "0 0 1 mon *",
    "0 0 1 * jan",
    "a 0 1 1 *",
    "0 0 31-1 1 *",
    "1-70 0 1 1 *",
    "0,,1 0 1 1 *",
    "0 0 L * *",
    "0 0 31 2 *",
    "-1 0 1 1 *",
  ].map((schedule) => resource(withRotation({ schedule }))),
  ...["+01:00", "1UTC", "a b", "Europe/Belin", "europe/berlin", "Etc/GMT+1", "UTC", "local", "z"].map((timeZone) =>
    resource(withRotation({ schedule: "@weekly", timeZone })),
  ),
  resource(withRotation({ schedule: "99 0 1 1 *", timeZone: "+01:00" })),
  ...['"', "\\", '"\\"', "é", "x".repeat(64), "x".repeat(65)].map((kid) =>
    resource({ activeKid: kid, revokedKids: [{ kid }] }),
  ),
];

const anyDuration = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 6, arbitrary: fc.constantFrom("0s", "1s", "62m", "3720s", "92m", "2h", "3h", "720h", "8760h", "17520h") },
  { weight: 1, arbitrary: fc.constantFrom("90000h", "x", "1.5s", "-1h") },
);

/** Specs with any number of mistakes that have to do with each other. */
export const anySpec = fc.record({
  algorithm: fc.constantFrom(undefined, "ES256", "RS256", "PS512"),
  rsaModulusBits: fc.constantFrom(undefined, undefined, undefined, 2048, 2049),
  rotation: fc.record({
    interval: anyDuration,
    schedule: fc.constantFrom(undefined, undefined, undefined, "@yearly", ""),
    timeZone: fc.constantFrom(undefined, undefined, undefined, "UTC"),
  }),
  propagation: fc.record({ minimum: anyDuration }),
  tokens: fc.record({
    issuer: fc.constantFrom("i", "i", "i", ""),
    audiences: fc.constantFrom(["a"], ["a"], ["a"], []),
    maxTTL: anyDuration,
    clockSkew: anyDuration,
  }),
  rotationWindow: anyDuration,
  rollbackWindow: anyDuration,
  activeKid: fc.constantFrom(undefined, "", "a", "b"),
  revokedKids: fc.constantFrom(undefined, [], [{ kid: "a" }], [{ kid: "a" }, { kid: "b" }]),
});
