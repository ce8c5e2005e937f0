const ys = [
  `00${"00".repeat(31)}`,
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
];

/** Every encoding of the points of Ed25519 whose order divides 8: each y with both signs of x. */
export const smallOrderPoints: readonly Buffer[] = ys.flatMap((hex) => {
  const [plain, signed] = [Buffer.from(hex, "hex"), Buffer.from(hex, "hex")];
  signed[31] = (signed[31] ?? 0) | 0x80;
  return [plain, signed];
});
