import { describe, expect, it } from "vitest";
import { algorithms } from "../../../src/ring/key.ts";
import { problems, revoked, withRotation, withTokens } from "./resource.ts";

const audiences = (count: number) => Array.from({ length: count }, (_, i) => `audience-${i}`);
const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, "v"]));
const window = (rotationWindow: string) => ({ rotation: { interval: "0s" }, rotationWindow });

/** Path, just inside, just outside. */
const bounds: [path: string, inside: unknown[], outside: unknown[], spec: (value: unknown) => object][] = [
  [
    "spec.secretName",
    ["a", "a".repeat(240), "a.b-c"],
    ["", "a".repeat(241), "A", "a_b", "-a", "a-", "a..b", ".a", "a\n", 1],
    (secretName) => ({ secretName }),
  ],
  ["spec.algorithm", [...algorithms], ["", "none", "HS256", "es256", "RSA", 256], (algorithm) => ({ algorithm })],
  [
    "spec.rsaModulusBits",
    [2048, 2056, 3072, 4088, 4096],
    [0, 2040, 2047, 2049, 4095, 4097, 4104, 3072.5, NaN, "3072"],
    (rsaModulusBits) => ({ algorithm: "RS256", rsaModulusBits }),
  ],
  [
    "spec.rotation.interval",
    ["0s", "23m", "720h", "87600h"],
    ["-1s", "87600h1s", "720.0001h", "1500h0.5s", "30d", "", 720],
    (interval) => withRotation({ interval }),
  ],
  [
    "spec.rotation.schedule",
    ["@daily", "0 3 1 * *", "0 0 29 2 *"],
    ["", "0 3 1 * * *", "TZ=UTC 0 3 1 * *", "0 0 30 2 *", "0 3 L * *", `${"0,".repeat(60)}0 3 1 1 *`, 5],
    (schedule) => withRotation({ schedule }),
  ],
  [
    "spec.rotation.timeZone",
    ["UTC", "Asia/Kathmandu"],
    ["", "Local", "+01:00", "Mars/Base", "a".repeat(65)],
    (timeZone) => withRotation({ schedule: "@daily", timeZone }),
  ],
  [
    "spec.rotation.requestID",
    ["x", "x".repeat(128), "ä ü"],
    ["x".repeat(129), "a\nb", "\u007f", "\ud800", 20_261_121],
    (requestID) => withRotation({ requestID }),
  ],
  [
    "spec.propagation.minimum",
    ["0s", "1s", "720h"],
    ["720h0m1s", "-1s", "0.5s", "1500ms"],
    (minimum) => ({ propagation: { minimum }, rotation: { interval: "0s" } }),
  ],
  [
    "spec.propagation.acknowledgements",
    ["Required", "Ignored"],
    ["", "required", true],
    (acknowledgements) => ({ propagation: { acknowledgements } }),
  ],
  [
    "spec.tokens.issuer",
    ["x", "x".repeat(512), "https://a/b"],
    ["", "x".repeat(513), "a\tb", "\udc00", 7],
    (issuer) => withTokens({ issuer }),
  ],
  [
    "spec.tokens.audiences",
    [audiences(1), audiences(32)],
    [[], audiences(33), "gateway", {}],
    (value) => withTokens({ audiences: value }),
  ],
  [
    "spec.tokens.audiences[1]",
    ["y", "y".repeat(512)],
    ["", "y".repeat(513), "a\u0000", null, 1],
    (value) => withTokens({ audiences: ["x", value] }),
  ],
  [
    "spec.tokens.maxTTL",
    ["1s", "8760h"],
    ["0s", "0.5s", "8760h0m1s"],
    (maxTTL) => ({ ...withTokens({ maxTTL }), rotation: { interval: "0s" } }),
  ],
  ["spec.tokens.clockSkew", ["0s", "1h"], ["1h1s", "-1m"], (clockSkew) => withTokens({ clockSkew })],
  ["spec.rotationWindow", ["1h2m", "17520h"], ["0s", "1h1m59s", "17520h1s"], (value) => window(String(value))],
  [
    "spec.rollbackWindow",
    ["0s", "1s", "2h"],
    ["2h0m1s", "17520h1s", "-1s"],
    (rollbackWindow) => ({ rotationWindow: "2h", rollbackWindow }),
  ],
  ["spec.activeKid", ["", "k", "k".repeat(256)], ["k".repeat(257), "a\nb", 1], (activeKid) => ({ activeKid })],
  ["spec.revokedKids", [[], revoked(64)], [revoked(65), {}, "kid"], (revokedKids) => ({ revokedKids })],
  ["spec.revokedKids[0]", [{ kid: "a" }], ["a", 1, []], (value) => ({ revokedKids: [value] })],
  [
    "spec.revokedKids[0].kid",
    ["k", "k".repeat(256)],
    ["", "k".repeat(257), undefined, 1],
    (kid) => ({ revokedKids: [{ kid }] }),
  ],
  [
    "spec.revokedKids[0].reason",
    ["", "r", "r".repeat(256)],
    ["r".repeat(257), "a\nb", 1],
    (reason) => ({ revokedKids: [{ kid: "a", reason }] }),
  ],
  [
    "spec.revokeKeysCreatedBefore",
    ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456789+05:45"],
    ["2026-11-21", "soon", 1_767_225_600],
    (value) => ({ revokeKeysCreatedBefore: value }),
  ],
  ["spec.adoption.maxTTL", ["1s", "87600h"], ["0s", "87600h0m1s"], (maxTTL) => ({ adoption: { maxTTL } })],
  ["spec.suspend", [true, false], ["true", 1, "yes"], (suspend) => ({ suspend })],
  ["spec.deletionPolicy", ["Retain", "Delete"], ["", "retain", "Orphan"], (deletionPolicy) => ({ deletionPolicy })],
  [
    "spec.secretTemplate.labels",
    [{}, entries(32)],
    [entries(33), [], "a"],
    (labels) => ({ secretTemplate: { labels } }),
  ],
  [
    "spec.secretTemplate.labels[a/b]",
    ["", "v", "v".repeat(63), "a.b_c-D"],
    ["v".repeat(64), "-a", "a b", "a\n", 1, null],
    (value) => ({ secretTemplate: { labels: { "a/b": value } } }),
  ],
  [
    "spec.secretTemplate.annotations.a",
    ["", "v".repeat(4096), "a\nb"],
    ["v".repeat(4097), "\ud800", 1, null],
    (value) => ({ secretTemplate: { annotations: { a: value } } }),
  ],
];

describe("parseRotation bounds", () => {
  const rows = (index: 1 | 2) =>
    bounds.flatMap((row) => row[index].map((value) => ({ path: row[0], value, spec: row[3] })));

  it.each(rows(1))("$path takes $value", ({ value, spec }) => {
    expect(problems(spec(value))).toEqual([]);
  });

  it.each(rows(2))("$path refuses $value, and nothing else", ({ path, value, spec }) => {
    const found = problems(spec(value));
    expect(found).not.toEqual([]);
    for (const line of found) expect(line.slice(0, path.length + 7)).toBe(`${path}: must `);
  });

  it.each(["a", "a.b", `${"a".repeat(61)}.b`])("metadata.name takes %s", (name) => {
    expect(problems({}, { name })).toEqual([]);
  });
  it.each(["", "a".repeat(64), "A", "a_b", "..", "a/b", undefined, 5])("metadata.name refuses %s", (name) => {
    expect(problems({}, { name })).toEqual([expect.stringMatching(/^metadata\.name: must /)]);
  });
  it.each(["", "a".repeat(64), "a.b", "A", 5])("metadata.namespace refuses %s", (namespace) => {
    expect(problems({}, { namespace })).toEqual([expect.stringMatching(/^metadata\.namespace: must /)]);
  });

  it.each(["a", "A.b_c-d", `${"a".repeat(253)}/b`, `a.b/${"c".repeat(63)}`])("a template's key may be %s", (key) => {
    expect(problems({ secretTemplate: { labels: { [key]: "" } } })).toEqual([]);
  });
  it.each(["", "a b", "-a", "a/", "/a", "a/b/c", "A/b", `${"a".repeat(254)}/b`, "c".repeat(64), "keyturn.dev/object"])(
    "a template's key may not be %j",
    (key) => {
      for (const map of ["annotations", "ringAnnotations"]) {
        const line = expect.stringMatching(new RegExp(`^spec\\.secretTemplate\\.${map}[.[].*: must `)) as string;
        expect(problems({ secretTemplate: { [map]: { [key]: "" } } })).toEqual([line]);
      }
    },
  );
});
