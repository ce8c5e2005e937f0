import assert from "node:assert/strict";
import { sidOf } from "../../../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../../../src/issuer/store/grant-store.ts";
import { type Begun, begin, endTime, newGrant, renew, t0, windowMs } from "./grants.ts";

/** What stands in the store before the deed. */
export interface Scene {
  readonly parent: Begun;
  readonly child: Begun;
  /** Not in the store yet. */
  readonly newcomer: Begun;
}

/** Something that is done to a store, and may be broken off anywhere. */
export interface Deed {
  readonly do: (store: GrantStore, scene: Scene) => Promise<unknown>;
  /** Whether it is there as a whole; fails for half of it. */
  readonly isDone: (store: GrantStore, scene: Scene) => Promise<boolean>;
}

export async function setScene(store: GrantStore): Promise<Scene> {
  const parent = await begin(store, { subject: `subject ${Math.random()}` });
  const parentId = parent.row.grant.id;
  return { parent, child: await begin(store, { parentId }), newcomer: newGrant({ parentId }) };
}

const isRevoked = async (store: GrantStore, { row }: Begun): Promise<boolean> =>
  (await store.find(row.grant.id))?.grant.revoked !== undefined;

/** All of them ended, and the gateways are told; or none, and they are not. */
async function haveEnded(store: GrantStore, { parent, child }: Scene): Promise<boolean> {
  const ended = [await isRevoked(store, parent), await isRevoked(store, child)];
  const told = (await store.revocations(t0)).revocations.map(({ value }) => value);
  for (const { row } of [parent, child]) ended.push(told.includes(sidOf(row.grant.id)));
  assert.equal(new Set(ended).size, 1, `half an end: ${ended.join()}`);
  return ended[0] ?? false;
}

export const deeds: Readonly<Record<string, Deed>> = {
  "a renewal": {
    do: (store, { parent }) => renew(store, parent.token, t0),
    async isDone(store, { parent }) {
      const { grant } = (await store.find(parent.row.grant.id)) ?? parent.row;
      // Whatever became of the answer: the owner asks again with the token that he has
      const again = await renew(store, parent.token, t0 + windowMs - 1);
      assert(again.kind === "granted", "the owner lost the grant");
      assert.equal(again.why, grant.generation === 0 ? "current" : "replayed");
      const next = await renew(store, again.successor, t0 + windowMs);
      assert(next.kind === "granted" && next.why === "current", "the successor does not renew");
      return grant.generation === 1;
    },
  },
  "the end of a reused grant": {
    do: (store, { parent }) => store.endReused(parent.row.grant.id, 0, endTime(t0)),
    isDone: haveEnded,
  },
  "the revocation of a subject": {
    do: (store, { parent }) => store.revoke({ kind: "subject", subject: parent.row.terms.subject }, endTime(t0)),
    async isDone(store, scene) {
      const ended = await haveEnded(store, scene);
      const { revocations } = await store.revocations(t0);
      const isTold = revocations.some(({ value }) => value === scene.parent.row.terms.subject);
      assert.equal(isTold, ended, "half a revocation");
      return ended;
    },
  },
  "the begin of a child": {
    do: (store, { newcomer }) => store.begin(newcomer.row),
    async isDone(store, { newcomer }) {
      const found = await store.find(newcomer.row.grant.id);
      if (found) assert.deepEqual(found, newcomer.row);
      return found !== undefined;
    },
  },
};
