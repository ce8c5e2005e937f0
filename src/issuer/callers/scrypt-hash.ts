import { Buffer } from "node:buffer";
import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

/** What a hash costs: RFC 7914 §2. */
export interface ScryptCost {
  /** N is 2 to this power. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** The hash of a secret, as `$scrypt$ln=15,r=8,p=3$salt$hash` has it. */
export interface ScryptHash {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** 32 MiB, and about a quarter of a second: what OWASP's password storage cheat sheet has as the equal of N = 2¹⁷. */
const defaultCost: ScryptCost = { ln: 15, r: 8, p: 3 };

const hashBytes = 32;
/** More memory than this nobody needs who checks secrets that a program made. */
const mostMemory = 128 * 1_048_576;
const mostWork = 8 * mostMemory;

/** Numbers in decimal without a sign or leading zeros; salt and hash in base64 without padding. */
const form = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/;

/** Whether a text says that it is such a hash, be it well-formed or not. */
export const saysScrypt = (text: string): boolean => text.startsWith("$scrypt$");

/**
 * Undefined for what is no such hash, or costs too little (below ln=14) or more than 128 MiB.
 *
 * @see https://github.com/P-H-C/phc-string-format
 */
export function parseScryptHash(text: string): ScryptHash | undefined {
  const [, ln, r, p, salt = "", hash = ""] = form.exec(text) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const memory = 128 * 2 ** cost.ln * cost.r;
  if (!(cost.ln >= 14 && cost.r >= 8 && memory <= mostMemory && memory * cost.p <= mostWork)) return undefined;
  return { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

/** The secret's hash in PHC form, with a salt of its own. */
export async function hashSecret(secret: string, cost: ScryptCost = defaultCost): Promise<string> {
  const salt = randomBytes(16);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
  const { ln, r, p } = cost;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(await derive(secret, salt, cost))}`;
}

/** Takes its time on another thread, whatever the answer. */
export async function isOfSecret({ cost, salt, hash }: ScryptHash, secret: string): Promise<boolean> {
  return timingSafeEqual(await derive(secret, salt, cost), hash);
}

function derive(secret: string, salt: Uint8Array, { ln, r, p }: ScryptCost): Promise<Buffer> {
  // Node's own bound is 32 MiB, exclusive
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: 2 * mostMemory };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, hashBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
