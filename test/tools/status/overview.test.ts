import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { RotationSummary } from "../../../src/keeper/home.ts";
import { overview, type Overview } from "../../../src/tools/status/overview.ts";
import { day, epoch, hour, minute } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";

const kid = "aHcKS3QoUYVKMpzjXJpnjDeRfdbib_skl1BO-nssL6l";
const condition = (type: string, status: string, reason = "Because") => ({ type, status, reason });
const ready = condition("Ready", "True", "SignerPublished");

const summary = (change: Partial<RotationSummary> = {}): RotationSummary => ({
  ...{ namespace: "shop", name: "gateway", createdAtMs: epoch - 3 * day, conditions: [ready] },
  ...{ activeKid: kid, algorithm: "ES256", gateways: "2/3" },
  ...{ lastRotationAtMs: epoch - 2 * hour, nextRotationAtMs: epoch + 20 * day },
  waitingFor: "activate k2: the schedule until 2026-11-21T00:10:00.000Z",
  document: { kind: "JwtKeyRotation", metadata: { name: "gateway" } },
  ...change,
});

function shown(change: Partial<Overview>, output?: "wide" | "json" | "yaml"): FakeIo {
  const io = new FakeIo();
  const seen = { rotations: [], nowMs: epoch, acrossNamespaces: false, where: 'in namespace "shop"', ...change };
  expect(overview(seen, output, io)).toBe(0);
  return io;
}

describe("overview", () => {
  test("is a table, a line for each rotation", () => {
    expect(shown({ rotations: [summary(), summary({ name: "mobile" })] }).lines).toEqual([
      "NAME     STATE  SIGNER      ALG    NEXT    GATEWAYS  AGE  WAITING FOR",
      "gateway  ready  aHcKS3Qo..  ES256  in 20d  2/3       3d   activate k2: the schedule until 00:10:00 (in 10m)",
      "mobile   ready  aHcKS3Qo..  ES256  in 20d  2/3       3d   activate k2: the schedule until 00:10:00 (in 10m)",
    ]);
  });

  test.each([
    ["waits", "True"],
    ["on request", "False"],
  ])("says %j in the place of a time that there is not, where Rotating is %s", (text, rotating) => {
    const rotation = summary({ conditions: [ready, condition("Rotating", rotating)] });
    Reflect.deleteProperty(rotation, "nextRotationAtMs");
    const [, row = ""] = shown({ rotations: [rotation] }).lines;
    expect(row.split(/ {2,}/)[4]).toBe(text);
  });

  test.each<[text: string, conditions: RotationSummary["conditions"]]>([
    ["suspended", [ready, condition("Suspended", "True"), condition("Pinned", "True", "Pinned")]],
    ["pinned", [ready, condition("Pinned", "True", "Pinned")]],
    ["pinned", [ready, condition("Pinned", "False", "PinnedKeyUnknown")]],
    ["on request", [ready, condition("Pinned", "False", "PinnedKeyRevoked")]],
    ["unknown", [condition("Ready", "False", "Publishing"), condition("Rotating", "True")]],
  ])("says %j in its place with %j", (text, conditions) => {
    const rotation = summary({ conditions });
    Reflect.deleteProperty(rotation, "nextRotationAtMs");
    const [heads = "", row = ""] = shown({ rotations: [rotation] }).lines;
    const from = heads.indexOf("NEXT");
    expect(row.slice(from, heads.indexOf("GATEWAYS")).trim()).toBe(text);
  });

  test("names the namespace where there are several", () => {
    const [heads = "", row = ""] = shown({ rotations: [summary()], acrossNamespaces: true }).lines;
    expect(heads).toMatch(/^NAMESPACE +NAME /);
    expect(row).toMatch(/^shop +gateway /);
  });

  test("has whole kids and the last rotation when it is wide", () => {
    const [heads = "", row = ""] = shown({ rotations: [summary()] }, "wide").lines;
    expect(heads).toContain("LAST");
    expect(row).toContain(kid);
    expect(row).toContain("120m ago");
  });

  test.each<[text: string, conditions: RotationSummary["conditions"]]>([
    ["not seen yet", []],
    ["ready", [ready]],
    ["not ready: Publishing", [condition("Ready", "False", "Publishing")]],
    ["rotating", [ready, condition("Rotating", "True")]],
    ["pinned", [ready, condition("Rotating", "True"), condition("Pinned", "True")]],
    ["suspended", [ready, condition("Pinned", "True"), condition("Suspended", "True")]],
    ["stalled: GatewaySilent", [condition("Ready", "False"), condition("Stalled", "True", "GatewaySilent")]],
    ["ready", [ready, condition("Stalled", "False", "Old"), condition("Pinned", "False")]],
  ])("says %j of %j", (text, conditions) => {
    const [, row = ""] = shown({ rotations: [summary({ conditions })] }).lines;
    expect(row.split(/ {2,}/)[1]).toBe(text);
  });

  test("has a word for all that is not there", () => {
    const bare: RotationSummary = {
      namespace: "a",
      name: "b",
      createdAtMs: epoch - minute,
      conditions: [],
      document: { metadata: { name: "b" } },
    };
    const [, row = ""] = shown({ rotations: [{ ...bare, gateways: "0/0" }] }).lines;
    expect(row.split(/ {2,}/)).toEqual(["b", "not seen yet", "none", "unknown", "none", "60s", "nothing"]);
  });

  test("of none says so where no pipe swallows it, and is no failure", () => {
    const io = shown({});
    expect(io.out.text).toBe("");
    expect(io.err.text).toBe('No JwtKeyRotation in namespace "shop"\n');
  });

  test.each(["json", "yaml"] as const)("is a List in %s, an empty one too", (output) => {
    const document = summary();
    expect(parse(shown({ rotations: [document] }, output).out.text)).toEqual({
      ...{ apiVersion: "v1", kind: "List" },
      items: [document.document],
    });
    expect(parse(shown({}, output).out.text)).toHaveProperty("items", []);
  });
});
