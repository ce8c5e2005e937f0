import { describe, expect, it } from "vitest";
import { agentReadiness, listenersReadiness } from "../../src/agent/agent-readiness.ts";
import type { AgentIdentityStatus } from "../../src/agent/agent-identities.ts";
import { minuteMs, startMs } from "../identity/support/pairs.ts";

const judged = (
  ...all: readonly (Partial<AgentIdentityStatus> & { readonly keep?: "always" | "onUse" })[]
): ReturnType<ReturnType<typeof agentReadiness>> =>
  agentReadiness({
    marginMs: minuteMs,
    nowMs: () => startMs,
    identities: () =>
      all.map(({ keep = "always", ...told }, n) => ({
        spec: { keep },
        status: () => ({
          ...{ name: `i${n}`, origin: "file" as const, isSaved: true, failures: 0, sinkProblems: [] },
          ...{ token: { receivedAtMs: startMs, expiresAtMs: startMs + minuteMs } },
          ...told,
        }),
      })),
  })();

const ending = (inMs: number): Pick<AgentIdentityStatus, "token"> => ({
  token: { receivedAtMs: startMs, expiresAtMs: startMs + inMs },
});
const none = { token: undefined } as unknown as Partial<AgentIdentityStatus>;

describe("listenersReadiness", () => {
  it("names what could not be opened, as a remark", () => {
    expect(listenersReadiness(() => [])()).toBeUndefined();
    expect(listenersReadiness(() => ["unix:/a"])()).toEqual({ remark: "these could not be opened: unix:/a" });
  });
});

describe("agentReadiness", () => {
  it.each([
    ["nobody is there", []],
    ["each token is good for the margin", [ending(minuteMs), ending(minuteMs + 1)]],
    ["a token has no end", [{ token: { receivedAtMs: startMs } }]],
    ["only one that is renewed on use has none", [{ ...none, keep: "onUse" as const }]],
  ])("is well when %s", (_, all) => {
    expect(judged(...all)).toBeUndefined();
  });

  it("is not well when a token ends a moment before the margin, or is not there", () => {
    expect(judged(ending(minuteMs), ending(minuteMs - 1))).toBe("there must be a token that is good for 1m: i1");
    expect(judged(none)).toBe("there must be a token that is good for 1m: i0");
  });

  it("names a few of many", () => {
    expect(judged(...Array.from({ length: 10_000 }, () => none))).toBe(
      "there must be a token that is good for 1m: i0, i1, i2 and 9997 more",
    );
  });

  it.each([
    [
      "is good for the margin: a remark",
      startMs + minuteMs,
      { remark: 'the newest token could not be written: "/run/a"' },
    ],
    ["ends before: not well", startMs + minuteMs - 1, 'must be written, a token that is good for 1m: "/run/a"'],
    ["is not there: not well", undefined, 'must be written, a token that is good for 1m: "/run/a"'],
  ])("judges a place that lacks the newest token by the one that it has, which %s", (_, goodUntilMs, wanted) => {
    const problem = { place: '"/run/a"', message: "full", ...(goodUntilMs !== undefined && { goodUntilMs }) };
    expect(judged({ ...ending(5 * minuteMs), sinkProblems: [problem] })).toEqual(wanted);
  });
});
