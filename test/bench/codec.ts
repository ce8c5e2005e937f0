import { decodeKeyRing, encodeKeyRing, type RingObject } from "../../src/ring/codec.ts";
import { openKeyRing } from "../../src/crypto/open.ts";
import type { Bench } from "./bench.ts";
import { fullRing, type FullRing } from "./full-ring.ts";
import type { Contest } from "./measure.ts";

export const codecBench: Bench = {
  name: "codec",
  what: "keyring.json of 16 keys as text and back; ours checks every rule of the format, writing reads back what it wrote",
  contests: async () => {
    const [ec, rsa] = [await fullRing("ES256"), await fullRing("RS256")];
    return [
      ...contestsOf(ec, { algorithm: "ES256", object: "ring" }),
      ...contestsOf(ec, { algorithm: "ES256", object: "public" }),
      ...contestsOf(rsa, { algorithm: "RS256", object: "ring" }),
      openContest(ec),
    ];
  },
};

function contestsOf({ ring, materials }: FullRing, of: { algorithm: string; object: RingObject }): readonly Contest[] {
  const text = encodeKeyRing(ring, materials, of.object);
  const document: unknown = JSON.parse(text);
  const named = `${of.algorithm} ${of.object} object, ${(text.length / 1024).toFixed(1)} KiB`;
  return [
    {
      name: `read ${named}`,
      clock: "cpu",
      ours: { name: "decodeKeyRing", run: () => decodeKeyRing(text, of.object) },
      baseline: { name: "JSON.parse", run: () => JSON.parse(text) as unknown },
    },
    {
      name: `write ${named}`,
      clock: "cpu",
      ours: { name: "encodeKeyRing", run: () => encodeKeyRing(ring, materials, of.object) },
      baseline: { name: "JSON.stringify", run: () => JSON.stringify(document, undefined, 2) },
    },
  ];
}

/** What a start costs: each private half makes a signature that its public half verifies. */
function openContest({ ring, materials }: FullRing): Contest {
  const text = encodeKeyRing(ring, materials, "ring");
  return {
    name: "open ES256 ring object, 16 keys proved",
    clock: "cpu",
    ours: { name: "openKeyRing", run: () => openKeyRing(text, "ring") },
    baseline: { name: "decodeKeyRing, nothing proved", run: () => decodeKeyRing(text, "ring") },
  };
}
