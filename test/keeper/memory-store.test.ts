import { MemoryStore } from "./support/memory-store.ts";
import { describeRingStore } from "./support/store-contract.ts";

describeRingStore("the store in memory", () => {
  const store = new MemoryStore();
  return Promise.resolve({
    rotation: { namespace: "default", name: "gateway" },
    open: () => store,
    damage: (object) => {
      store.replace(object, { "keyring.json": "damaged" });
      return Promise.resolve();
    },
  });
});
