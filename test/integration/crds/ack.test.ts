import { describe, expect, it } from "vitest";
import { parseKeyRingAck } from "../../../src/ring/ack-document.ts";
import { acknowledges, ackOf } from "../support/acks.ts";
import { makePodClient, makeServiceAccount } from "../support/roles.ts";
import { hasKubectl, kubectl, makeNamespace } from "../support/scene.ts";
import { verdictOn } from "./judge.ts";

const namespace = await makeNamespace("ack");
const acks = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
await makeServiceAccount(namespace, "gateway", acknowledges);
// Only a pod may write one: the policy would refuse what the schema takes
const pod = await makePodClient(namespace, "gateway-0", "gateway");
const there = await pod.client.create(acks, ackOf(pod, "gateway"));
const path = `${acks}/${there.metadata.name}`;

const kids = (count: number) => Array.from({ length: count }, (_, index) => `kid-${index}`);
const text = (most: number) => `must be a text of 1 to ${most} characters without control characters`;
const most63 = "must be a DNS name (a-z, 0-9, - and .) of 1 to 63 characters";

/** Field, what is taken, and what is refused with what the server says first. */
const rows: [field: string, inside: unknown[], outside: [value: unknown, says: string][]][] = [
  [
    "generation",
    [0, 1, 9_007_199_254_740_991],
    [
      [-1, "in body should be greater than or equal to 0"],
      [1.5, "must be of type integer"],
      ["1", "must be of type integer"],
      [undefined, "Required value"],
    ],
  ],
  [
    "verifies",
    [[], kids(32), ["k".repeat(256)]],
    [
      [kids(33), "Too many: 33: must have at most 32 items"],
      [["a", "a"], "Duplicate value"],
      [[""], text(256)],
      [["a\n"], text(256)],
      [["k".repeat(257)], "Too long"],
      [undefined, "Required value"],
    ],
  ],
  [
    "signs",
    [undefined, "k", "k".repeat(256)],
    [
      ["", text(256)],
      ["k".repeat(257), "Too long"],
      ["a\u007f", text(256)],
      [1, "must be of type string"],
    ],
  ],
  [
    "podName",
    ["gateway-0"],
    [
      ["", "should be at least 1 chars long"],
      ["p".repeat(254), "Too long"],
      [undefined, "Required value"],
    ],
  ],
  [
    "rotation",
    ["gateway"],
    [
      ["", most63],
      ["Gateway", most63],
      ["g".repeat(64), "Too long"],
      [undefined, "Required value"],
    ],
  ],
  ["sourceUnfit", [true, false, undefined], [["yes", "must be of type boolean"]]],
  ["unknown", [undefined], [[1, 'unknown field "unknown"']]],
];

const inside = rows.flatMap(([field, values]) => values.map((value) => ({ field, value })));
const outside = rows.flatMap(([field, , values]) => values.map(([value, says]) => ({ field, value, says })));

const create = (change: object) =>
  verdictOn(() =>
    pod.client.create(
      `${acks}?dryRun=All&fieldValidation=Strict`,
      ackOf(pod, "gateway", {
        ...change,
        metadata: { ...there.metadata, resourceVersion: undefined, name: `${pod.uid}.gateway` },
      }),
    ),
  );
const update = (change: object) =>
  verdictOn(() => pod.client.replace(`${path}?dryRun=All&fieldValidation=Strict`, { ...there, ...change }));

describe("a KeyRingAck", () => {
  it.each(inside)("may have $field $value, which parseKeyRingAck takes, too", async ({ field, value }) => {
    const { findings } = await create({ [field]: value });
    // Everything is right but that there is one already
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining("already exists")]);
    expect((await update({ [field]: value })).findings).toEqual([]);
    const sent: unknown = JSON.parse(JSON.stringify({ ...there, [field]: value }));
    expect(() => parseKeyRingAck(sent)).not.toThrow();
  });

  it.each(outside)("may not have $field $value: $says", async ({ field, value, says }) => {
    for (const { findings } of [await create({ [field]: value }), await update({ [field]: value })])
      expect(findings.map(({ message }) => message)).toContainEqual(expect.stringContaining(says));
  });

  it("has the rotation in its name", async () => {
    const { findings } = await update({ rotation: "other" });
    expect(findings).toMatchObject([{ path: "metadata.name", words: "must be <pod uid>.<rotation>" }]);
  });

  it("is listed with what it says", async (context) => {
    if (!hasKubectl) context.skip("no kubectl");
    const [head, row] = (await kubectl("get", "kra", "-n", namespace))
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/));
    expect(head).toEqual(["NAME", "POD", "GENERATION"]);
    expect(row).toEqual([there.metadata.name, "gateway-0", "0"]);
  });
});
