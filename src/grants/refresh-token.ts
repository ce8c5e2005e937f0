import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/** A refresh token taken apart. Secret: whoever has it can renew. */
export interface RefreshToken {
  /** 16 bytes. */
  readonly grantId: Uint8Array;
  /** 0 to 2³² − 1. */
  readonly generation: number;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** 16 bytes: see {@link markOf}. */
  readonly mark: Uint8Array;
}

/** The highest generation that a token can carry. A renewal a second gets there in 136 years. */
export const lastGeneration = 2 ** 32 - 1;

const prefix = "ktr_";
const version = 1;
const [idAt, generationAt, secretAt, markAt, length] = [1, 17, 21, 53, 69] as const;
const checksumDigits = 6;
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 69 bytes are 92 characters without a bit to spare: there is one way to write them. */
const form = /^ktr_([A-Za-z0-9_-]{92})([0-9A-Za-z]{6})$/;

/**
 * `ktr_`, then version, grant, generation, secret and mark in base64url (RFC 4648 §5), then the CRC-32 of those in six digits of
 * base 62: secret scanners find it by its form, and junk costs no query.
 */
export function formatRefreshToken({ grantId, generation, secret, mark }: RefreshToken): string {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(generation);
  const body = Buffer.concat([Buffer.of(version), grantId, number, secret, mark]).toString("base64url");
  return `${prefix}${body}${checksumOf(body)}`;
}

/** The parts, or undefined for what {@link formatRefreshToken} never wrote. Says nothing of whether it is good. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, body = "", checksum] = form.exec(text) ?? [];
  if (body === "" || checksumOf(body) !== checksum) return undefined;
  const bytes = Buffer.from(body, "base64url");
  if (bytes[0] !== version) return undefined;
  return {
    grantId: bytes.subarray(idAt, generationAt),
    generation: bytes.readUInt32BE(generationAt),
    secret: bytes.subarray(secretAt, markAt),
    mark: bytes.subarray(markAt, length),
  };
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = "";
  for (let n = 0; n < checksumDigits; n++, rest = Math.floor(rest / 62)) text = (digits[rest % 62] ?? "") + text;
  return text;
}

/** What the store keeps of a secret: 32 bytes that it can't be found from, since it is random. */
export const hashOf = (secret: Uint8Array): Uint8Array => hash("sha256", secret, "buffer");

/** The secret that follows: whoever shows the one before can be given the same successor again, though nobody stored it. */
export const successorOf = (secret: Uint8Array, salt: Uint8Array): Uint8Array => hmacOf(secret, salt);

/**
 * Tells an old token of this grant from one that was made up, which must not be able to end it. 16 bytes. Who reads the database can
 * make marks, and so end a grant, but never renew one.
 */
export function markOf(markKey: Uint8Array, generation: number, secretHash: Uint8Array): Uint8Array {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(generation);
  return hmacOf(markKey, Buffer.concat([number, secretHash])).subarray(0, 16);
}

/** Given the bytes themselves, Node.js 24 takes four times as long: it asks them whether they are a key. */
const hmacOf = (key: Uint8Array, message: Uint8Array): Buffer =>
  createHmac("sha256", createSecretKey(key)).update(message).digest();

/** Compares in a time that tells nothing of where they differ. */
export const isSameBytes = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && a.length === b.length && timingSafeEqual(a, b);
