import fc from "fast-check";
import type { Policy } from "../../../src/ring/plan.ts";
import { algorithms } from "../../../src/ring/key.ts";
import { hour, minute, policy } from "../../support/story.ts";

/** One thing that happens. Indices count keys or gateways round and round. */
export type Deed =
  | { readonly do: "wait"; readonly ms: number }
  /** A pass of the controller; it may crash after the ring, or after the public object. */
  | { readonly do: "pass"; readonly crash: "no" | "afterRing" | "afterPublic" }
  | { readonly do: "reload" | "ack" | "restart" | "mint"; readonly gateway: number }
  | { readonly do: "appear" }
  | { readonly do: "vanish"; readonly gateway: number }
  | { readonly do: "request"; readonly origin: "spec" | "annotation"; readonly value: number }
  | { readonly do: "edit"; readonly change: Partial<Policy> }
  | { readonly do: "pin" | "revoke"; readonly key: number }
  | { readonly do: "unpin" }
  | { readonly do: "revokeBefore"; readonly fromNowMs: number }
  | { readonly do: "suspend" | "distrust"; readonly on: boolean }
  | { readonly do: "lose"; readonly object: "ring" | "signer" | "public" }
  | { readonly do: "restore"; readonly copy: number };

const index = fc.nat(7);
const times = fc.constantFrom(1, minute, 5 * minute, 20 * minute, hour, 3 * hour, 30 * hour);
const windows = fc.constantFrom(62 * minute, 2 * hour, 3 * hour);

const edits: fc.Arbitrary<Partial<Policy>> = fc.oneof(
  fc.constantFrom(...algorithms.slice(0, 4)).map((algorithm) => ({ profile: { ...policy.profile, algorithm } })),
  fc.constantFrom(30 * minute, hour).map((maxTTLMs) => ({ profile: { ...policy.profile, maxTTLMs } })),
  fc.constantFrom(0, 10 * minute, 30 * minute, 45 * minute).map((propagationMs) => ({ propagationMs })),
  windows.map((rotationWindowMs) => ({ rotationWindowMs, rollbackWindowMs: 62 * minute })),
  fc.constantFrom("Required" as const, "Ignored" as const).map((acknowledgements) => ({ acknowledgements })),
  fc
    .constantFrom(
      { kind: "interval", everyMs: hour } as const,
      { kind: "interval", everyMs: 24 * hour } as const,
      {
        kind: "onRequest",
      } as const,
    )
    .map((schedule) => ({ schedule })),
);

const pass: fc.Arbitrary<Deed> = fc
  .constantFrom("no" as const, "no" as const, "afterRing" as const, "afterPublic" as const)
  .map((crash) => ({ do: "pass", crash }));

/** What a healthy system does most of the time. */
const ordinary: readonly fc.WeightedArbitrary<Deed>[] = [
  { weight: 6, arbitrary: times.map((ms) => ({ do: "wait", ms })) },
  { weight: 9, arbitrary: pass },
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constantFrom("reload" as const, "ack" as const, "mint" as const), gateway: index }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("request" as const),
      origin: fc.constantFrom("spec" as const, "annotation" as const),
      value: fc.nat(3),
    }),
  },
];

const operations: readonly fc.WeightedArbitrary<Deed>[] = [
  { weight: 1, arbitrary: edits.map((change) => ({ do: "edit", change })) },
  { weight: 1, arbitrary: fc.constant({ do: "appear" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "vanish" as const), gateway: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("pin" as const, "revoke" as const), key: index }) },
  { weight: 1, arbitrary: fc.constant({ do: "unpin" }) },
];

const trouble: readonly fc.WeightedArbitrary<Deed>[] = [
  {
    weight: 1,
    arbitrary: fc.constantFrom(-hour, 0, hour).map((fromNowMs) => ({ do: "revokeBefore", fromNowMs })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("suspend" as const, "distrust" as const), on: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("lose" as const),
      object: fc.constantFrom("ring" as const, "signer" as const, "public" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), copy: index }) },
];

const listOf = (deeds: readonly fc.WeightedArbitrary<Deed>[]): fc.Arbitrary<readonly Deed[]> =>
  fc.array(fc.oneof(...deeds), { minLength: 20, maxLength: 90 });

/** Rotations, edits and people, without losses and revocations: here no valid token may ever be refused. */
export const calmHistories = listOf([
  ...ordinary,
  ...operations.slice(0, 3),
  { weight: 1, arbitrary: fc.constant({ do: "unpin" }) },
]);
/** Everything at once. */
export const histories = listOf([...ordinary, ...operations, ...trouble]);
