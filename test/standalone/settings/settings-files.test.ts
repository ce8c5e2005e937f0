import { readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inForce } from "../../../src/ring/obey.ts";
import { parseRotation } from "../../../src/ring/resource/rotation.ts";
import { rotationIn } from "../../../src/standalone/settings/config.ts";
import { parseOverrides, type Overrides } from "../../../src/standalone/settings/overrides.ts";
import { effective } from "../../../src/standalone/settings/effective.ts";
import { hour, minute, second } from "../fake-time.ts";
import { resource } from "../resource.ts";
import { isIdle, newWorld } from "../world.ts";

const yaml = (name: string, interval = "1h"): string => `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: {name: ${name}}
spec:
  rotation: {interval: ${interval}}
  propagation: {minimum: 10m}
  tokens: {issuer: "https://issuer.example", audiences: [api], maxTTL: 5m, clockSkew: 0s}
`;

describe("rotationIn", () => {
  test("takes the file that kubectl apply takes: YAML, JSON, several documents, a List", () => {
    const other = "kind: ConfigMap\nmetadata: {name: x}\n";
    const documents = [
      yaml("a"),
      JSON.stringify(resource({}, { name: "a" })),
      `---\n${other}---\n${yaml("a")}---\n# nothing\n`,
      `kind: List\nitems:\n- ${JSON.stringify(resource({}, { name: "a" }))}\n- {kind: ConfigMap}\n`,
    ];
    for (const text of documents) expect(parseRotation(rotationIn(text, "f")).ref.name, text).toBe("a");
  });

  test("refuses none, and several with their names", () => {
    const none = 'Cannot read config "f": must hold one JwtKeyRotation, has none';
    for (const text of ["", "kind: ConfigMap", "[]", "null", "just a text"]) {
      expect(() => rotationIn(text, "f"), text).toThrow(none);
    }
    expect(() => rotationIn(`${yaml("a")}---\n${yaml("b")}`, "f")).toThrow('has 2: "a", "b"');
  });

  test("refuses what is no YAML with line and column, and never quotes it", () => {
    const text = "-----BEGIN PRIVATE KEY-----\n\tMIGHAgEA: [\n";
    expect(() => rotationIn(text, "f")).toThrow(
      /^Cannot read config "f": must be YAML or JSON, is neither in line \d+, column \d+$/,
    );
    expect(() => rotationIn("a: 1\na: 2\n", "f")).toThrow("has a name twice in line 2, column 1");
    expect(() => rotationIn("a: *b\n", "f")).toThrow("aliases");
  });
});

describe("parseOverrides", () => {
  test("takes all members, and none", () => {
    const all = {
      rotateRequestedAt: "now",
      recoverRequestedAt: "2026-11-21T10:00:00Z",
      recoverJwks: '{"keys":[]}',
      activeKid: "",
      revokedKids: [{ kid: "a" }, { kid: "b", reason: "" }],
      revokeKeysCreatedBefore: "2026-11-21T10:00:00+01:00",
    };
    expect(parseOverrides(JSON.stringify(all))).toEqual(all);
    expect(parseOverrides("{}")).toEqual({});
  });

  test.each([
    ['{"activeKids": "a"}', "$.activeKids: is not known"],
    ['{"recoverRequestedAt": "soon"}', "$.recoverRequestedAt: must be an instant of RFC 3339"],
    ['{"revokeKeysCreatedBefore": 5}', "$.revokeKeysCreatedBefore: must be a text"],
    ['{"revokedKids": [{"reason": "x"}]}', "$.revokedKids[0].kid: is missing"],
    ['{"activeKid": 1}', "$.activeKid: must be a text"],
    ["[]", "$: must be an object"],
    ["{", "$: must be JSON"],
    ['{"revokedKids": [{"kid": "a", "reason": "b\\nc"}]}', "$.revokedKids[0].reason: must be a text"],
  ])("refuses %s", (text, message) => {
    expect(() => parseOverrides(text)).toThrow(`Cannot read overrides.json: ${message}`);
  });
});

describe("effective", () => {
  /** What comes of it, for a pass over no ring. */
  function obeyed(config: unknown, overrides: Overrides) {
    const { told, ...rest } = effective({ rotation: parseRotation(config), overrides: { overrides } });
    return { ...rest, ...inForce(told, { ring: undefined, nowMs: Date.UTC(2026, 10, 22) }) };
  }

  test("unites revoked kids, and keeps the config's reason", () => {
    const config = resource({ revokedKids: [{ kid: "a", reason: "config" }] });
    const { policy } = obeyed(config, {
      revokedKids: [
        { kid: "a", reason: "tool" },
        { kid: "b", reason: "" },
      ],
    });
    expect(policy.revokedKids).toEqual([{ kid: "a", reason: "config" }, { kid: "b" }]);
  });

  test.each([
    ["2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z", 11],
    ["2026-11-21T12:00:00Z", "2026-11-21T11:00:00Z", 12],
    ["2026-11-21T12:00:00+03:00", "2026-11-21T11:00:00Z", 11],
    ["2126-11-21T10:00:00Z", "2026-11-21T11:00:00Z", 11],
  ])("of two cutoffs the later one that has come counts: %s and %s", (config, tool, hourOfDay) => {
    const { policy } = obeyed(resource({ revokeKeysCreatedBefore: config }), { revokeKeysCreatedBefore: tool });
    expect(policy.revokeCreatedBeforeMs).toBe(Date.UTC(2026, 10, 21, hourOfDay));
  });

  test("a pin of the tools replaces the config's, and an empty one takes it away", () => {
    const pinned = resource({ activeKid: "a" });
    expect(obeyed(pinned, {}).policy.pinnedKid).toBe("a");
    expect(obeyed(pinned, { activeKid: "b" }).policy.pinnedKid).toBe("b");
    expect(obeyed(pinned, { activeKid: "" }).policy.pinnedKid).toBeUndefined();
  });

  test("requests of the config, of its annotation and of the tools stand side by side", () => {
    const config = resource(
      { rotation: { interval: "1h", requestID: "x" } },
      { annotations: { "keyturn.dev/rotate-requested-at": "y" } },
    );
    const { requests } = obeyed(config, { rotateRequestedAt: "z" });
    expect(requests).toEqual(["spec:x", "annotation:y", "override:z"]);
  });

  test("of two requests for a recovery the later one counts", () => {
    const config = resource({}, { annotations: { "keyturn.dev/recover-requested-at": "2026-11-21T10:00:00Z" } });
    const at = (recoverRequestedAt: string) => obeyed(config, { recoverRequestedAt }).recoverRequestedAtMs;
    expect(at("2026-11-21T09:00:00Z")).toBe(Date.UTC(2026, 10, 21, 10));
    expect(at("2026-11-21T11:00:00Z")).toBe(Date.UTC(2026, 10, 21, 11));
  });
});

describe("a config file that changes while the loop runs", () => {
  test("takes effect without a restart", async () => {
    const world = await newWorld();
    const path = join(world.dir, "..", "config.yaml");
    await writeFile(path, yaml("demo"));
    const first = await world.settle({ config: { path } });
    world.time.in(second, () => writeFile(path, yaml("demo", "15m")));
    await world.runFor(16 * minute, { config: { path } });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
    expect(await world.text("rotation.json")).toContain('"15m"');
  });

  test("is refused when it is bad, said once, and the old one is kept; the next good one counts", async () => {
    const world = await newWorld();
    const path = join(world.dir, "..", "config.yaml");
    await writeFile(path, yaml("demo"));
    const first = await world.settle({ config: { path } });
    world.time.in(minute, () => writeFile(path, yaml("demo", "soon")));
    await world.runFor(hour, { config: { path }, pollMs: 10 * minute });
    const second = await world.ring();
    expect(second.signer.kid).toBe(first.standby?.kid);
    expect(world.log.texts("error")).toEqual([
      'the settings stay as they were: spec.rotation.interval: must be whole seconds from 0s to 87600h, written as 1h30m, is "soon"',
    ]);
    await writeFile(path, yaml("demo", "15m"));
    await world.runFor(15 * minute, { config: { path } });
    expect((await world.ring()).signer.kid).toBe(second.standby?.kid);
  });

  test("can't take another name, and a file that is gone changes nothing", async () => {
    const world = await newWorld();
    const path = join(world.dir, "..", "config.yaml");
    await writeFile(path, yaml("demo"));
    const first = await world.settle({ config: { path } });
    world.time.in(minute, () => writeFile(path, yaml("other")));
    world.time.in(2 * minute, () => unlink(path));
    await world.runFor(hour, { config: { path } });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
    expect(world.log.texts("error")).toEqual([
      'the settings stay as they were: metadata.name: must stay "default/demo", whose keys are in the directory, is "default/other"',
      `the settings stay as they were: Cannot read config "${path}": must be a file, is not there`,
    ]);
  });

  test("a bad one at the start is an error, and nothing is made", async () => {
    const world = await newWorld();
    const path = join(world.dir, "..", "config.yaml");
    await writeFile(path, yaml("demo", "soon"));
    await expect(world.settle({ config: { path } })).rejects.toThrow("spec.rotation.interval: must be whole seconds");
    expect(await world.ringFiles()).toEqual([]);
  });
});

describe("overrides.json while the loop runs", () => {
  test("a request rotates once", async () => {
    const world = await newWorld();
    const first = await world.settle();
    await world.runFor(15 * minute);
    await world.writeOverrides({ rotateRequestedAt: "please" });
    const second = await world.settle();
    expect(second.signer.kid).toBe(first.standby?.kid);
    const [activation] = world.log.lines.filter(({ fields }) => "why" in fields && fields.why === "request");
    expect(activation?.message).toContain("because of a request");
    await world.runFor(30 * minute);
    expect((await world.ring()).signer.kid).toBe(second.signer.kid);
  });

  test("a bad file is refused, and does not stop the schedule", async () => {
    const world = await newWorld();
    const first = await world.settle();
    world.time.in(minute, () => world.writeOverrides({ activeKids: "typo" }));
    await world.runFor(hour);
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
    expect(world.log.texts("error")).toEqual([
      "the settings stay as they were: Cannot read overrides.json: $.activeKids: is not known",
    ]);
  });

  test("the resource without the overrides is left where the tools find it", async () => {
    const world = await newWorld();
    await world.settle();
    await world.writeOverrides({ activeKid: "x" });
    await world.run({ until: isIdle });
    expect(JSON.parse(await readFile(world.path("rotation.json"), "utf8"))).toEqual(resource());
  });
});
