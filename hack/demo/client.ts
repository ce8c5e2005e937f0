// An independent client: node client.ts <JWKS URL>. Knows jose and the JWKS, nothing else. Each token that comes in on a
// line is verified at once, and again and again until just before it ends; ten times a second it says how that went.
import { createInterface } from "node:readline";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { ClientReport, ClientRefusal } from "./tokens.ts";
import { demo } from "./times.ts";

const [url = ""] = process.argv.slice(2);
const jwks = createRemoteJWKSet(new URL(url), { cacheMaxAge: demo.clientCacheMs });
const claims = { issuer: demo.issuer, audience: demo.audience, requiredClaims: ["exp", "iat"] };

const againMs = 700;
/** A token is not presented in its last moments: on a busy machine the verdict would come after its end. */
const lastMomentsMs = 250;

let verified = 0;
let latest = "";
let refusals: ClientRefusal[] = [];

async function present(token: string, isNew: boolean): Promise<void> {
  const endsAtMs = (decodeJwt(token).exp ?? 0) * 1000;
  try {
    await jwtVerify(token, jwks, claims);
    verified++;
    if (isNew) latest = token;
  } catch (error) {
    const atMs = Date.now();
    const why = error instanceof errors.JOSEError ? error.code : String(error);
    if (atMs < endsAtMs) refusals.push({ kid: decodeProtectedHeader(token).kid ?? "", why, atMs });
  }
  if (Date.now() + againMs < endsAtMs - lastMomentsMs) setTimeout(() => void present(token, false), againMs);
}

function report(): void {
  const lines: ClientReport = { verified, latest, refusals };
  refusals = [];
  process.stdout.write(`${JSON.stringify(lines)}\n`);
}

const reporting = setInterval(report, 100);
for await (const token of createInterface({ input: process.stdin })) void present(token, true);
clearInterval(reporting);
report();
process.exit();
