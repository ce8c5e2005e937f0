import { onTestFinished } from "vitest";
import { ForeignTokens } from "../../../src/issuer/callers/foreign-tokens.ts";
import { openJudge, type JudgePorts } from "../../../src/issuer/callers/judges.ts";
import { SingleUse } from "../../../src/issuer/callers/single-use.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import type { Log } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { issuerWith } from "./token-issuers.ts";
import { claimsAt, type SigningKey, tokenOf } from "./tokens.ts";

/** A log that remembers, and resolves when a line that fits comes. */
export class HeardLog implements Log {
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly debug = (fields: object, message: string): void => this.#hear("debug", fields, message);
  readonly info = (fields: object, message: string): void => this.#hear("info", fields, message);
  readonly warn = (fields: object, message: string): void => this.#hear("warn", fields, message);
  readonly error = (fields: object, message: string): void => this.#hear("error", fields, message);

  /** The first line from number `from` on that has this text. */
  async heard(text: string, from = 0): Promise<string> {
    for (;;) {
      const line = this.lines.slice(from).find((one) => one.includes(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #hear(...[level, fields, message]: [string, object, string]): void {
    this.lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

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
