// An independent verifier: node verifier-jose.ts <JWKS URL> <issuer> <audience>. Reads {"id", "token"} lines, answers each.
// Its cache is as stale as HTTP allows: a copy is used for its whole max-age, also for a kid that it does not have.
import { createInterface } from "node:readline";
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from "jose";

const [url = "", issuer = "", audience = ""] = process.argv.slice(2);

interface Copy {
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  readonly freshUntilMs: number;
}

/** Age counts from when the request was sent (RFC 9111 §4.2.3: the response's delay is part of its age). */
async function fetchCopy(): Promise<Copy> {
  const sentAtMs = Date.now();
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the JWKS server answers ${response.status}`);
  const maxAge = /max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "")?.[1] ?? "0";
  const keys = createLocalJWKSet((await response.json()) as JSONWebKeySet);
  return { keys, freshUntilMs: sentAtMs + Number(maxAge) * 1000 };
}

let copy: Promise<Copy> | undefined;

/** A copy that could not be fetched is fetched again for the next token. */
async function freshKeys(): Promise<Copy["keys"]> {
  const { keys, freshUntilMs } = (await copy?.catch(() => undefined)) ?? { freshUntilMs: 0 };
  if (keys && Date.now() < freshUntilMs) return keys;
  copy = fetchCopy();
  return (await copy).keys;
}

/** `valid`, or why not. */
async function verdictOn(token: string): Promise<string> {
  try {
    await jwtVerify(token, await freshKeys(), { issuer, audience, requiredClaims: ["exp", "iat"] });
    return "valid";
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return "unknown kid";
    if (error instanceof errors.JWTExpired) return "expired";
    if (error instanceof errors.JWSSignatureVerificationFailed) return "bad signature";
    return String(error);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, token } = JSON.parse(line) as { id: number; token: string };
  const verdict = await verdictOn(token);
  process.stdout.write(`${JSON.stringify({ id, verdict, atMs: Date.now() })}\n`);
}
