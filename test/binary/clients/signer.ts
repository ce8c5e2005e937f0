// An application that signs by itself: node signer.ts <signer directory> <lag in ms> <ms between tokens>.
// It knows nothing of Keyturn but the files behind ..data, and takes a new key only after its lag.
import { createPrivateKey, randomUUID, type KeyObject } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";

interface Signing {
  readonly version: string;
  readonly kid: string;
  readonly key: KeyObject;
  readonly algorithm: string;
  readonly issuer: string;
  readonly audience: string;
  readonly maxTTLSeconds: number;
  readonly usableFromMs: number;
}

/** The few members of keyring.json that this application uses. */
interface KeyRingFile {
  readonly settings: { readonly mintMaxTTLSeconds: number };
  readonly keys: readonly {
    readonly kid: string;
    readonly activatedAt?: string;
    readonly profile: {
      readonly algorithm: string;
      readonly issuer: string;
      readonly audiences: readonly string[];
      readonly maxTTLSeconds: number;
    };
  }[];
}

const [dir = "", lagMs = "0", everyMs = "50"] = process.argv.slice(2);

function load(version: string): Signing {
  const read = (name: string): string => readFileSync(join(dir, version, name), "utf8");
  const ring = JSON.parse(read("keyring.json")) as KeyRingFile;
  const kid = read("kid");
  const key = ring.keys.find((candidate) => candidate.kid === kid);
  if (!key?.activatedAt) throw new Error(`kid names ${kid}, which is not the active key of keyring.json`);
  const { algorithm, issuer, audiences, maxTTLSeconds } = key.profile;
  return {
    ...{ version, kid, algorithm, issuer, audience: audiences[0] ?? "" },
    key: createPrivateKey(read("signing.pem")),
    maxTTLSeconds: Math.min(maxTTLSeconds, ring.settings.mintMaxTTLSeconds),
    usableFromMs: Date.parse(key.activatedAt) + Number(lagMs),
  };
}

/** Begins anew when what `..data` pointed to was removed meanwhile. */
function loadNewest(): Signing {
  for (;;) {
    const version = readlinkSync(join(dir, "..data"));
    try {
      return load(version);
    } catch (error) {
      if (version === readlinkSync(join(dir, "..data"))) throw error;
    }
  }
}

let using = loadNewest();
let newest = using;

/** What it sees and when it signs are decided in one breath: a process that was held up in between signs nothing old. */
async function mint(): Promise<void> {
  const nowMs = Date.now();
  const version = readlinkSync(join(dir, "..data"));
  if (version !== newest.version) newest = loadNewest();
  if (newest.kid !== using.kid && nowMs >= newest.usableFromMs) using = newest;
  if (newest.kid === using.kid) using = newest;
  const { key, kid, algorithm, issuer, audience, maxTTLSeconds } = using;
  const iat = Math.floor(nowMs / 1000);
  const token = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: algorithm, kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(iat)
    .setExpirationTime(iat + maxTTLSeconds)
    .sign(key);
  process.stdout.write(`${JSON.stringify({ token, kid, algorithm, expiresAtMs: (iat + maxTTLSeconds) * 1000 })}\n`);
}

setInterval(() => void mint(), Number(everyMs));
