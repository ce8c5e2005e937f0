import { describe, expect, it } from "vitest";
import { type Outcome, outcomeOf } from "../../src/controller/outcome.ts";
import { ChangeNeededError, RuleError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import { ApiError, ConnectionError, StoppedError } from "../../src/kube/kube-errors.ts";

const refusal = (status: number, reason = ""): ApiError =>
  new ApiError({ action: "update secrets", status, reason, causes: [] }, "no");
const unreachable = new ConnectionError("Unreachable", "no", false);

const failure: Outcome = {};
const hour = 3_600_000;
const quietly: Outcome = { next: { backoff: { baseMs: 100, maxMs: 30_000 } } };
const apiFailing: Outcome = { stalled: { reason: "ApiFailing", message: "no" } };
const apiRefused: Outcome = { stalled: { reason: "ApiRefused", message: "no" } };
const stalled = (reason: string): Outcome => ({ stalled: { reason, message: "no" }, next: { requeueAfterMs: hour } });

describe("outcomeOf", () => {
  it.each<[what: string, error: unknown, outcomes: readonly [atFirst: Outcome, afterHalfAMinute: Outcome]]>([
    ["a write that came second", new TryLaterError("Conflict", "no"), [quietly, quietly]],
    [
      "what a person must change",
      new ChangeNeededError("SecretConflict", "no"),
      [stalled("SecretConflict"), stalled("SecretConflict")],
    ],
    ["a rule that refuses", new RuleError("TooMany", "no"), [stalled("TooMany"), stalled("TooMany")]],
    ["what may work later, beside a conflict", new TryLaterError("DiskFull", "no"), [failure, failure]],
    ["a refusal for good", refusal(403, "Forbidden"), [apiRefused, apiRefused]],
    ["an object that is invalid", refusal(422, "Invalid"), [apiRefused, apiRefused]],
    ["a server that is too busy", refusal(429), [failure, apiFailing]],
    ["a server that failed", refusal(500), [failure, apiFailing]],
    ["a token that has expired", refusal(401), [failure, apiFailing]],
    ["a lost race of the API server's own", refusal(409, "Conflict"), [failure, apiFailing]],
    ["no answer", unreachable, [failure, apiFailing]],
    ["a call that was stopped", new StoppedError("get"), [failure, failure]],
    ["a mistake of ours", new TypeError("no"), [failure, failure]],
    ["what is no error", "no", [failure, failure]],
  ])("of %s", (_, error, [atFirst, afterHalfAMinute]) => {
    expect(outcomeOf(error, { urgency: "ordinary", failingMs: 29_999 })).toEqual(atFirst);
    expect(outcomeOf(error, { urgency: "ordinary", failingMs: 30_000 })).toEqual(afterHalfAMinute);
  });

  it("comes again within a second after a conflict while a revocation is asked for", () => {
    const conflict = new TryLaterError("Conflict", "no");
    const { next } = outcomeOf(conflict, { urgency: "emergency", failingMs: 0 });
    expect(next).toEqual({ backoff: { baseMs: 100, maxMs: 1000 } });
  });

  it.each([
    [9999, failure],
    [10_000, apiFailing],
  ])("says within ten seconds that a revocation may not be carried out: after %i ms %o", (failingMs, outcome) => {
    expect(outcomeOf(unreachable, { urgency: "emergency", failingMs })).toEqual(outcome);
  });
});
