import { onTestFinished } from "vitest";
import { ForeignTokens } from "../../../src/issuer/callers/foreign-tokens.ts";
import { openJudge, type JudgePorts } from "../../../src/issuer/callers/judges.ts";
import { SingleUse } from "../../../src/issuer/callers/single-use.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { HeardLog } from "../../support/heard-log.ts";
import { issuerWith } from "./token-issuers.ts";
import { claimsAt, type SigningKey, tokenOf } from "./tokens.ts";

/** A clock and a log of the test's own, and the real disk. */
export const surroundings = () =>
  ({
    clock: new FakeClock(),
    chance: () => 0,
    log: new HeardLog(),
    files: smallFiles,
    userAgent: "keyturn/test",
  }) satisfies JudgePorts;

/** These trusts, verified in earnest; ends with the test. */
export function verifying(trusts: readonly object[]) {
  const { clock, log, ...around } = surroundings();
  const opened = issuerWith({ trust: trusts }).trust.map(
    (trust) => [trust, openJudge(trust, { clock, log, ...around })] as const,
  );
  onTestFinished(() => {
    for (const [, judge] of opened) judge.close();
  });
  const judges = new Map(opened.map(([trust, { judge }]) => [trust, judge]));
  const foreign = new ForeignTokens({ judges, clock, log, singleUse: new SingleUse() });
  return {
    clock,
    log,
    foreign,
    /** A good token of this key, now, and what becomes of it. */
    verify: (key: SigningKey, claims: object = {}, header: object = {}) =>
      foreign.verify(tokenOf(claimsAt(clock.nowMs(), claims), key, header)),
  };
}
