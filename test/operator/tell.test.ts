import { describe, expect, it } from "vitest";
import type { NamedStep } from "../../src/ring/forecast.ts";
import { withTrouble } from "../../src/operator/status.ts";
import { eventsOf, stallEvents } from "../../src/operator/tell.ts";
import { policy } from "../support/story.ts";
import { reported, resource, seeing } from "./support/resources.ts";

const fresh = { profile: policy.profile, waitMs: 0, kid: "k3" };
const activate = { type: "activate", kid: "k2", why: "request", handledRequests: [] } as const;

describe("eventsOf", () => {
  const rows: readonly (readonly [NamedStep, string])[] = [
    [{ ...activate, early: false }, "Normal KeyActivated"],
    [{ ...activate, early: true }, "Warning KeyActivatedEarly"],
    [{ type: "create", as: "prepared", ...fresh }, "Normal KeyPrepared"],
    [
      { type: "create", as: "active", why: "signerRevoked", handledRequests: [], ...fresh },
      "Warning KeyActivatedEarly",
    ],
    [{ type: "prune", kid: "k1" }, "Normal KeyPruned"],
    [{ type: "markPublished", kid: "k1" }, "Normal KeyPublished"],
    [{ type: "markUnpublished", kid: "k1" }, "Warning KeyUnpublished"],
    [{ type: "markQuiesced", kid: "k1" }, "Normal KeyQuiesced"],
    [{ type: "forgetPrivate", kid: "k1" }, "Normal PrivateHalfForgotten"],
    [{ type: "discardPrepared", kid: "k1" }, "Normal KeyDiscarded"],
    [{ type: "revoke", kid: "k1", reason: "stolen" }, "Normal KeyRevoked"],
  ];
  it.each(rows)("$type", (step, expected) => {
    const [told, ...more] = eventsOf(step);
    expect(`${told?.type ?? ""} ${told?.reason ?? ""}`).toBe(expected);
    expect(told?.note).not.toBe("");
    expect(more).toEqual([]);
  });

  it("tell which revocation is forgotten when the list is full", () => {
    const [, evicted] = eventsOf({ type: "revoke", kid: "k1", evicts: "k0" });
    expect(evicted).toMatchObject({ type: "Warning", reason: "RevocationForgotten" });
    expect(evicted?.note).toContain("k0");
  });
});

describe("stallEvents", () => {
  const well = reported(resource(), seeing(), []) ?? resource();
  const stalled = (reason: string) => withTrouble(well, { reason, message: `${reason} it is` }, 0) ?? well;

  it("tell of a stall once, and of its end", () => {
    expect(stallEvents(well, well)).toEqual([]);
    expect(stallEvents(well, stalled("ApiRefused"))).toMatchObject([
      { type: "Warning", reason: "ApiRefused", note: "ApiRefused it is" },
    ]);
    expect(stallEvents(stalled("ApiRefused"), stalled("ApiRefused"))).toEqual([]);
    expect(stallEvents(stalled("ApiRefused"), stalled("InvalidSpec"))).toMatchObject([{ reason: "InvalidSpec" }]);
    expect(stallEvents(stalled("ApiRefused"), well)).toMatchObject([{ type: "Normal", reason: "NoLongerStalled" }]);
  });
});
