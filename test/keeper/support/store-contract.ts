import { describe, expect, it } from "vitest";
import type { DocumentRead } from "../../../src/keeper/document-read.ts";
import type { RingStore, RotationIdentity, Snapshot } from "../../../src/keeper/store.ts";
import type { KeyRing, RingObject } from "../../../src/ring/codec.ts";
import type { RotationRef } from "../../../src/ring/ring.ts";
import { realRing } from "../../support/keys.ts";

/** A place that is empty at first, as two processes have it. */
export interface StorePlace<Read extends DocumentRead> {
  readonly rotation: RotationRef;
  /** One more process that works there. */
  open(): RingStore<Read>;
  /** Something happens to an object that is there, and nothing can be made of its `keyring.json` any more. */
  damage(object: RingObject): Promise<void>;
}

const conflict = expect.objectContaining({ code: "Conflict" }) as Error;

/** What a pass counts on, whatever the store is made of. */
export function describeRingStore<Read extends DocumentRead>(
  what: string,
  placeFor: () => Promise<StorePlace<Read>>,
): void {
  const start = async () => {
    const place = await placeFor();
    const identity: RotationIdentity = { rotation: place.rotation, algorithm: "ES256" };
    const look = async (store: RingStore<Read>): Promise<Snapshot<Read>> => ({
      signer: await store.read("signer", identity),
      public: await store.read("public", identity),
      ring: await store.read("ring", identity),
    });
    const ringAt = (generation: number): KeyRing =>
      realRing("ES256", { generation, rotation: place.rotation, retiring: [] });
    return { place, identity, look, ringAt, store: place.open() };
  };
  const kindsIn = (seen: Snapshot<Read>): readonly string[] =>
    [seen.ring, seen.signer, seen.public].map(({ reading }) => reading.kind);
  const generationIn = ({ reading }: Read): number => (reading.kind === "ring" ? reading.ring.generation : 0);

  describe(`${what}, as a ring store,`, () => {
    it("reads an empty place as three objects that are absent", async () => {
      const { look, store } = await start();
      expect(kindsIn(await look(store))).toEqual(["absent", "absent", "absent"]);
    });

    it("reads what it wrote: every half in the ring, the signer's in the signer object, none in the public one", async () => {
      const { look, ringAt, store } = await start();
      const next = ringAt(100);
      const empty = await look(store);
      await store.commit(next, empty);
      expect(await store.publish("public", next, empty)).toBe(true);
      expect(await store.publish("signer", next, empty)).toBe(true);
      const { ring, signer, public: open } = await look(store);
      const { kid } = next.ring.signer;
      expect(ring.reading).toEqual({ kind: "ring", ring: next.ring, halves: [kid, next.ring.standby?.kid] });
      expect(signer.reading).toMatchObject({ kind: "ring", halves: [kid] });
      expect(open.reading).toMatchObject({ kind: "ring", halves: [] });
      expect([ring, signer, open].map(generationIn)).toEqual([100, 100, 100]);
      expect(ring.materials.get(kid)).toEqual(next.materials.get(kid));
    });

    it("writes no projection that is up to date", async () => {
      const { look, ringAt, store } = await start();
      const next = ringAt(100);
      await store.publish("signer", next, await look(store));
      await store.publish("public", next, await look(store));
      const seen = await look(store);
      expect([await store.publish("signer", next, seen), await store.publish("public", next, seen)]).toEqual([
        false,
        false,
      ]);
    });

    it.each([0, 100])("lets one of two processes commit that have both seen generation %i", async (base) => {
      const { place, look, ringAt, store } = await start();
      if (base > 0) await store.commit(ringAt(base), await look(store));
      const other = place.open();
      const [seen, seenByOther] = [await look(store), await look(other)];
      await store.commit(ringAt(101), seen);
      await expect(other.commit(ringAt(102), seenByOther)).rejects.toThrow(conflict);
      expect(generationIn((await look(other)).ring)).toBe(101);
    });

    it.each(["signer", "public"] as const)("puts no older %s object over a newer one", async (object) => {
      const { place, look, ringAt, store } = await start();
      await store.publish(object, ringAt(100), await look(store));
      const seen = await look(store);
      const other = place.open();
      await other.publish(object, ringAt(102), await look(other));
      await expect(store.publish(object, ringAt(101), seen)).rejects.toThrow(conflict);
      expect(generationIn((await look(store))[object])).toBe(102);
    });

    it("reads the objects of another rotation as somebody else's", async () => {
      const { look, ringAt, store, identity } = await start();
      const next = ringAt(100);
      await store.commit(next, await look(store));
      await store.publish("public", next, await look(store));
      const rotation = { ...identity.rotation, name: "other" };
      const kinds = ["ring", "public"] as const;
      const read = await Promise.all(kinds.map((object) => store.read(object, { ...identity, rotation })));
      expect(read.map(({ reading }) => reading.kind)).toEqual(["foreign", "foreign"]);
    });

    it("reads what is damaged as that, and says before it writes over it that it is set aside", async () => {
      const { place, look, ringAt, store } = await start();
      const next = ringAt(100);
      await store.commit(next, await look(store));
      expect(await store.setsAside(ringAt(101), await look(store))).toEqual([]);
      await place.damage("ring");
      const seen = await look(store);
      expect(seen.ring.reading.kind).toBe("unreadable");
      const told = await store.setsAside(ringAt(101), seen);
      expect(told.map(({ object }) => object)).toEqual(["ring"]);
      expect(await look(store)).toEqual(seen);
      await store.commit(ringAt(101), seen);
      expect(generationIn((await look(store)).ring)).toBe(101);
    });
  });
}
