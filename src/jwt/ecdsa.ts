const sequenceTag = 0x30;
const integerTag = 0x02;
/** A length from here on needs a byte of its own before it (X.690 §8.1.3). */
const longForm = 0x80;

/**
 * An ECDSA signature as OpenSSL takes it, from R and S of `size` bytes each (RFC 7518 §3.4). Undefined when the length is
 * another one, or when R or S is zero, which once verified everything (CVE-2022-21449).
 *
 * By hand, because node:crypto's own conversion costs as much as a third of the verification.
 */
export function derOfRaw(raw: Buffer, size: number): Buffer | undefined {
  if (raw.length !== 2 * size) return undefined;
  const r = firstByte(raw, 0, size);
  const s = firstByte(raw, size, 2 * size);
  if (r === size || s === 2 * size) return undefined;
  const rLength = integerLength(raw, r, size);
  const sLength = integerLength(raw, s, 2 * size);
  const body = 4 + rLength + sLength;
  const der = Buffer.allocUnsafe(body + (body < longForm ? 2 : 3));
  let at = 0;
  der[at++] = sequenceTag;
  if (body >= longForm) der[at++] = longForm + 1;
  der[at++] = body;
  at = writeInteger(der, at, { raw, from: r, to: size, length: rLength });
  writeInteger(der, at, { raw, from: s, to: 2 * size, length: sLength });
  return der;
}

/** R and S of `size` bytes each (RFC 7518 §3.4), from a signature of OpenSSL. */
export function rawOfDer(der: Buffer, size: number): Buffer {
  const raw = Buffer.alloc(2 * size);
  const rAt = der[1] === longForm + 1 ? 3 : 2;
  const sAt = readInteger(der, rAt, { raw, to: size });
  readInteger(der, sAt, { raw, to: 2 * size });
  return raw;
}

/** Index of the first byte that is not zero; `to` when all are. */
function firstByte(bytes: Buffer, from: number, to: number): number {
  let index = from;
  while (index < to && bytes[index] === 0) index++;
  return index;
}

/** A number whose first bit is set gets a zero before it: it would be negative. */
function integerLength(raw: Buffer, from: number, to: number): number {
  return to - from + ((raw[from] ?? 0) >= 0x80 ? 1 : 0);
}

interface Integer {
  readonly raw: Buffer;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

function writeInteger(der: Buffer, at: number, { raw, from, to, length }: Integer): number {
  der[at] = integerTag;
  der[at + 1] = length;
  der[at + 2] = 0;
  raw.copy(der, at + 2 + length - (to - from), from, to);
  return at + 2 + length;
}

/** Writes the number so that it ends at `to`; returns the index of what follows it. */
function readInteger(der: Buffer, at: number, { raw, to }: { readonly raw: Buffer; readonly to: number }): number {
  const end = at + 2 + (der[at + 1] ?? 0);
  const from = firstByte(der, at + 2, end);
  der.copy(raw, to - (end - from), from, end);
  return end;
}
