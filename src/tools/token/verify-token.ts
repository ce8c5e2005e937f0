import { openKeyRing } from "../../crypto/open.ts";
import type { Accepted } from "../../jwt/verifying-key.ts";
import { compileRing } from "../../jwt/verifier.ts";
import { shortKid } from "../../ring/describe.ts";
import { RuleError } from "../../errors/keyturn-error.ts";
import { type Ring, keysOf, rotationName } from "../../ring/ring.ts";
import type { Key } from "../../ring/key.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
import { firstLook, note } from "../first-look.ts";
import { line, paint, type Io } from "../text/screen.ts";
import { clockTimeAndDistance, withClockTimes, type LocalNow } from "../text/words.ts";
import { refusal, type TokenRefusal } from "./refusal-words.ts";
import { formatInstant } from "../../parse/instant.ts";

export interface VerifyOptions {
  /** As a gateway would get it: white space around it makes it another one. */
  readonly token: string;
  readonly output?: DocumentFormat;
}

/** Says whether a gateway accepts the token, and if not, why. Never prints it. */
export async function verify(home: RingHome, { token, output }: VerifyOptions, io: Io): Promise<ExitCode> {
  const { ring, seen, nowMs } = await firstLook(home, io);
  if (!ring) throw new RuleError("NoRing", `Cannot verify: ${rotationName(seen.rotation)} has no ring yet`);
  const published = await publishedRing(home);
  const { generation } = published.ring;
  if (generation < ring.generation) {
    note(io, `judged by what is published, generation ${generation}; the ring is at generation ${ring.generation}`);
  }
  const verdict = compileRing(published, { cacheEntries: 0 }).verify(token, nowMs);
  const answer = verdict.ok ? accepted(verdict, published.ring) : refusal(verdict.reason, token, ring);
  if (output) io.out.write(documentText(documentOf(answer), output));
  else line(io.out, verdictLine(answer, io, { nowMs, timeZone: io.timeZone }));
  return verdict.ok ? exitCodes.done : exitCodes.failed;
}

/** What every gateway reads, opened as a gateway opens it. */
async function publishedRing(home: RingHome): Promise<Parameters<typeof compileRing>[0]> {
  const { ring, materials } = await openKeyRing(await home.keyRing("public"), "public");
  return { ring, publicJwks: new Map([...materials].map(([kid, { publicJwk }]) => [kid, publicJwk])) };
}

/** What the answer may show of a token that is valid. */
interface Valid {
  readonly key: Key;
  readonly subject?: string;
  readonly audiences: readonly string[];
  readonly expiresAtMs: number;
}

function accepted({ kid, claims, expiresAtMs }: Accepted, ring: Ring): Valid {
  const { sub, aud } = claims;
  return {
    key: keysOf(ring).find((one) => one.kid === kid) ?? ring.signer,
    audiences: [aud].flat().filter((one) => typeof one === "string"),
    expiresAtMs,
    ...(typeof sub === "string" && { subject: sub }),
  };
}

function verdictLine(answer: Valid | TokenRefusal, io: Io, clock: LocalNow): string {
  if ("reason" in answer) {
    const reason = paint(io.out, ["strong", "bad"], `refused, ${answer.reason}`);
    return `${reason}: ${withClockTimes(answer.message, clock)}`;
  }
  const { key, expiresAtMs } = answer;
  const subject = answer.subject === undefined ? "" : ` for ${JSON.stringify(answer.subject)}`;
  const until = clockTimeAndDistance(expiresAtMs, clock);
  const state = key.state === "active" ? "the signer" : key.state;
  return `${paint(io.out, ["strong", "good"], "valid")}${subject}: signed by key ${shortKid(key.kid)} (${state}), expires ${until}`;
}

function documentOf(answer: Valid | TokenRefusal): object {
  if ("reason" in answer) return { valid: false, ...answer };
  const { key, subject, audiences, expiresAtMs } = answer;
  const { kid, state, profile } = key;
  return {
    valid: true,
    kid,
    state,
    algorithm: profile.algorithm,
    issuer: profile.issuer,
    ...(subject !== undefined && { subject }),
    audiences,
    expirationTime: formatInstant(expiresAtMs),
  };
}
