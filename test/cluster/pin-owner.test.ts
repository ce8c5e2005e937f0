import { describe, expect, it } from "vitest";
import { pinRemarks } from "../../src/cluster/home/owners.ts";
import { withoutManagers } from "../../src/cluster/first-requests.ts";
import { pinFactsOf } from "../../src/cluster/pin-owner.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import type { PinFacts } from "../../src/ring/pin-facts.ts";
import { ringOf, verifyOnly } from "../support/rings.ts";
import { epoch, policy } from "../support/story.ts";
import { reported, reportOf, resource, seeing } from "./support/resources.ts";

const fields = { "f:spec": { "f:tokens": {} } };
const pinField = { "f:spec": { "f:activeKid": {} } };
const entry = (manager: string, fieldsV1: object, operation = "Update") => ({ manager, operation, fieldsV1 });

/** A pinned rotation with these entries in its managedFields. */
const pinnedBy = (...managedFields: readonly object[]): KubeObject =>
  resource({ spec: { ...(resource()["spec"] as object), activeKid: "k1" } }, { managedFields });

const conditionOf = (object: KubeObject | undefined, type: string) =>
  (object?.["status"] as { conditions: readonly Record<string, string>[] }).conditions.find(
    (one) => one["type"] === type,
  );

describe("pinFactsOf", () => {
  it("is undefined without a pin", () => {
    const none = resource({}, { managedFields: [entry("keyturn-cli", pinField)] });
    expect(pinFactsOf(none)).toBeUndefined();
    expect(pinFactsOf({ ...none, spec: { activeKid: "" } })).toBeUndefined();
  });

  it("names who set the field, each once, and nobody else", () => {
    const by = (...entries: readonly object[]) => pinFactsOf(pinnedBy(...entries))?.setBy;
    expect(by(entry("argocd-controller", fields, "Apply"), entry("keyturn-cli", pinField))).toEqual(["keyturn-cli"]);
    expect(by(entry("helm", pinField, "Apply"), entry("helm", pinField), entry("kubectl-edit", pinField))).toEqual([
      "helm",
      "kubectl-edit",
    ]);
    expect(by({ ...entry("keyturn", pinField), subresource: "status" })).toEqual([]);
    expect(pinFactsOf(resource({ spec: { activeKid: "k1" } }))?.setBy).toEqual([]);
  });

  it("has since when it holds from the report, and from none that says that it does not", () => {
    const pinnedPolicy = { ...policy, pinnedKid: "k1" };
    const held = reported(pinnedBy(), seeing(ringOf(), { policy: pinnedPolicy }), []);
    expect(pinFactsOf(held ?? resource())?.sinceMs).toBe(epoch);
    const free = reported(pinnedBy(), seeing(), []);
    expect(pinFactsOf(free ?? resource())).not.toHaveProperty("sinceMs");
  });
});

const pinText = (pin: PinFacts | undefined, change: object = {}, ring = ringOf()): string | undefined =>
  reportOf(seeing(ring, { policy: { ...policy, pinnedKid: "k1", ...change }, ...(pin && { pin }) })).conditions.find(
    ({ type }) => type === "Pinned",
  )?.message;

describe("the condition Pinned", () => {
  const stays = "key k1 stays the signer until it is unpinned";
  const since = "since 2026-11-21T00:00:00.000Z";

  it("says who has set the pin, and for how long it has stopped the schedule", () => {
    expect(pinText({ setBy: ["keyturn-cli"], sinceMs: epoch })).toBe(
      `${stays}; set by "keyturn-cli", it has stopped the schedule ${since}`,
    );
    expect(pinText({ setBy: ["a", "b"], sinceMs: epoch })).toContain('; set by "a" and "b", it has');
    expect(pinText({ setBy: [], sinceMs: epoch })).toBe(`${stays}; it has stopped the schedule ${since}`);
    expect(pinText({ setBy: ["helm"], sinceMs: epoch }, { schedule: { kind: "onRequest" } })).toBe(
      `${stays}; set by "helm", it has held ${since}`,
    );
    expect(pinText(undefined)).toBe(stays);
  });

  it.each([
    ["nobody", ringOf()],
    ["k0", ringOf({ retiring: [verifyOnly("k0")] })],
    ["k0", ringOf({ retiring: [verifyOnly("k0", { canSign: false })] })],
    ["k0", ringOf({ revoked: [{ kid: "k0", revokedAtMs: epoch }] })],
  ])("says who has set a pin to %s that does not hold", (pinnedKid, ring) => {
    expect(pinText({ setBy: ["helm"] }, { pinnedKid }, ring)).toMatch(/[a-z]; set by "helm"$/);
  });

  it("has the time of the condition, in the first report and in every later one", () => {
    const pinned = pinnedBy(entry("keyturn-cli", pinField));
    const at = (object: KubeObject, nowMs: number) => {
      const pin = pinFactsOf(object);
      const seen = seeing(ringOf(), { policy: { ...policy, pinnedKid: "k1" }, ...(pin && { pin }) });
      return reported(object, { ...seen, found: { ...seen.found, nowMs } }, []);
    };
    const first = at(pinned, epoch + 999) ?? pinned;
    const since = "2026-11-21T00:00:00";
    expect(conditionOf(first, "Pinned")).toMatchObject({ lastTransitionTime: `${since}Z` });
    expect(conditionOf(first, "Pinned")?.["message"]).toContain(`stopped the schedule since ${since}.000Z`);
    expect(at(first, epoch + 2000)).toBeUndefined();
  });
});

describe("withoutManagers", () => {
  it("keeps who set what while there is a pin, which is asked for again and again", () => {
    const object = pinnedBy(entry("keyturn-cli", pinField));
    const pinned = reported(object, seeing(), []) ?? object;
    expect(withoutManagers(pinned)).toBe(pinned);
    expect(withoutManagers({ ...pinned, spec: {} }).metadata).not.toHaveProperty("managedFields");
  });
});

describe("pinRemarks", () => {
  const argo = entry("argocd-controller", fields, "Apply");

  it("are none without a pin, or without a tool that applies the resource", () => {
    expect(pinRemarks(resource({}, { managedFields: [argo] }))).toEqual([]);
    expect(pinRemarks(pinnedBy(entry("kubectl-edit", fields), entry("keyturn-cli", pinField)))).toEqual([]);
  });

  it("say that no commit ends a pin that is in no repository", () => {
    expect(pinRemarks(pinnedBy(argo, entry("keyturn-cli", pinField)))).toEqual([
      'the pin is not in what "argocd-controller" applies: no commit ends it, "keyturn rollback --unpin" does',
    ]);
  });

  it("say which tool's commit ends its own", () => {
    const both = entry("kustomize-controller", { "f:spec": { "f:activeKid": {}, "f:tokens": {} } }, "Apply");
    expect(pinRemarks(pinnedBy(both))).toEqual([
      'the pin belongs to "kustomize-controller": it ends with a commit that takes spec.activeKid away',
    ]);
  });
});
