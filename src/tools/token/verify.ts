import { shortKid } from "../../ring/describe.ts";
import { RuleError } from "../../ring/errors.ts";
import { nameOf } from "../change.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../home.ts";
import { documentText, type DocumentFormat } from "../output.ts";
import { firstLook } from "../look.ts";
import { line, paint, type Io } from "../screen.ts";
import { clockTimeAndDistance, withClockTimes, type Clock } from "../words.ts";
import { keysOfJwks } from "./jwks.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface VerifyOptions {
  /** White space around it does not count. */
  readonly token: string;
  readonly output?: DocumentFormat;
}

/** Says whether the token is accepted, and if not, why. Never prints it. */
export async function verify(home: RingHome, options: VerifyOptions, io: Io): Promise<ExitCode> {
  const { ring, seen, nowMs } = await firstLook(home, io);
  if (!ring) throw new RuleError("NoRing", `Cannot verify: ${nameOf(seen.rotation)} has no ring yet`);
  const jwks = keysOfJwks(await home.publicJwks());
  if (!jwks) throw new RuleError("JwksUnreadable", `Cannot verify: the published JWKS of ${home.where} can't be read`);
  const verdict = judge({ token: options.token.trim(), ring, jwks, nowMs });
  if (options.output) io.out.write(documentText(verdictDocument(verdict), options.output));
  else line(io.out, verdictLine(verdict, io, { nowMs, timeZone: io.timeZone }));
  return verdict.valid ? exitCodes.done : exitCodes.failed;
}

function verdictLine(verdict: Verdict, io: Io, clock: Clock): string {
  if (!verdict.valid) {
    const reason = paint(io.out, ["strong", "bad"], `refused, ${verdict.reason}`);
    return `${reason}: ${withClockTimes(verdict.message, clock)}`;
  }
  const { key } = verdict;
  const subject = verdict.subject === undefined ? "" : ` for ${JSON.stringify(verdict.subject)}`;
  const until = clockTimeAndDistance(verdict.expiresAtMs, clock);
  const state = key.state === "active" ? "the signer" : key.state;
  return `${paint(io.out, ["strong", "good"], "valid")}${subject}: signed by key ${shortKid(key.kid)} (${state}), expires ${until}`;
}

function verdictDocument(verdict: Verdict): object {
  if (!verdict.valid) {
    const { valid, reason, message, kid } = verdict;
    return { valid, reason, message, ...(kid !== undefined && { kid }) };
  }
  const { key, subject, audiences } = verdict;
  const { kid, state, profile } = key;
  return {
    valid: true,
    kid,
    state,
    algorithm: profile.algorithm,
    issuer: profile.issuer,
    ...(subject !== undefined && { subject }),
    audiences,
    expirationTime: new Date(verdict.expiresAtMs).toISOString(),
  };
}
