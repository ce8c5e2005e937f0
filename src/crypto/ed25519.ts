/** The y of every point whose order divides 8 (RFC 8032 §5.1), little-endian, and those that lie a prime above: p and p + 1. */
const ys = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** Each y with both signs of x, which the first bit of the last byte is. */
export const smallOrderPoints: readonly Buffer[] = ys.flatMap((hex) => {
  const [point, opposite] = [Buffer.from(hex, "hex"), Buffer.from(hex, "hex")];
  opposite[31] = (opposite[31] ?? 0) | 0x80;
  return [point, opposite];
});

/** As Latin-1: one character for each byte. */
const smallOrder: ReadonlySet<string> = new Set(smallOrderPoints.map((point) => point.toString("latin1")));

/**
 * Is this encoded point (RFC 8032 §5.1.2) one of the eight of small order, in any form? As a public key it takes signatures that
 * nobody made; OpenSSL lets it pass.
 */
export const isSmallOrder = (point: Buffer): boolean => smallOrder.has(point.toString("latin1"));
