import { shortKid } from "../../ring/describe.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";

/** What became of one key between two looks. */
export interface RingEvent {
  readonly what: "active" | "prepared" | "published" | "verify-only" | "quiesced" | "stripped" | "pruned" | "revoked";
  readonly kid: Kid;
  /** For people; begins in lower case. */
  readonly text: string;
}

/** Everything that happened between two rings, in the order in which people think of it. */
export function eventsBetween(before: Ring | undefined, after: Ring): readonly RingEvent[] {
  const old = new Map((before ? keysOf(before) : []).map((k) => [k.kid, k]));
  const changes = keysOf(after).flatMap((key) => changesOf(old.get(key.kid), key));
  const kids = new Set(keysOf(after).map((k) => k.kid));
  const gone = [...old.keys()].filter((kid) => !kids.has(kid)).map((kid) => goneBy(kid, after));
  const known = new Set(before?.revoked.map((r) => r.kid));
  const remembered = after.revoked
    .filter((r) => !known.has(r.kid) && !old.has(r.kid) && before !== undefined)
    .map((r) => happening("revoked", r.kid, "is revoked, should it ever turn up"));
  return [...gone, ...remembered, ...changes].toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
}

const order: readonly RingEvent["what"][] = [
  "revoked",
  "active",
  "verify-only",
  "prepared",
  "published",
  "quiesced",
  "stripped",
  "pruned",
];

const happening = (what: RingEvent["what"], kid: Kid, text: string): RingEvent => ({
  what,
  kid,
  text: `key ${shortKid(kid)} ${text}`,
});

function goneBy(kid: Kid, { revoked }: Ring): RingEvent {
  return revoked.some((r) => r.kid === kid)
    ? happening("revoked", kid, "is revoked: its tokens are refused from now on")
    : happening("pruned", kid, "is pruned: its last token has ended");
}

function changesOf(old: Key | undefined, key: Key): readonly RingEvent[] {
  const { kid } = key;
  const found: RingEvent[] = [];
  if (old?.state !== key.state) found.push(newState(key, old !== undefined));
  if (old?.publishedAtMs === undefined && key.publishedAtMs !== undefined) {
    found.push(happening("published", kid, "is published: every verifier accepts it"));
  }
  if (key.state !== "verify-only") return found;
  if (key.quiescedAtMs !== undefined && (old?.state !== "verify-only" || old.quiescedAtMs === undefined)) {
    found.push(happening("quiesced", kid, "is quiesced: nobody signs with it any more"));
  }
  if (old?.canSign === true && !key.canSign) {
    found.push(happening("stripped", kid, "has lost its private half: no way back to it"));
  }
  return found;
}

function newState(key: Key, isKnown: boolean): RingEvent {
  switch (key.state) {
    case "prepared":
      return happening("prepared", key.kid, `(${key.profile.algorithm}) is prepared`);
    case "active":
      return happening("active", key.kid, isKnown ? "signs now" : `(${key.profile.algorithm}) is new, and signs now`);
    case "verify-only":
      return happening("verify-only", key.kid, "signs no longer; its tokens stay valid until they end");
    default:
      return key satisfies never;
  }
}
