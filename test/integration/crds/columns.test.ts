import { expect, it } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { reported, resource, seeing } from "../../cluster/support/resources.ts";
import { goldenRotations } from "../../examples/support/golden-rotations.ts";
import { active, gatewayAt, ringOf } from "../../support/rings.ts";
import { FakeGateway, makeGatewayAccount } from "../controller/support/gateways.ts";
import { RotationHandle } from "../controller/support/scene.ts";
import { admin, hasKubectl, kubectl, makeNamespace } from "../support/scene.ts";

const namespace = await makeNamespace("columns");
const folder = (plural: string): string => `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/${plural}`;

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly (string | number | null)[] }[];
}

const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
const tableOf = (plural: string): Promise<Table> => admin.request<Table>("GET", folder(plural), { accept });

const lengthOf = (text: string): number => Array.from(text).length;

/** What a terminal shows of it: a line for the heads, and one for each row, as kubectl sets them. */
function linesOf({ columnDefinitions, rows }: Table, isWide = false): readonly string[] {
  const shown = columnDefinitions.flatMap(({ priority }, index) => (isWide || priority === 0 ? [index] : []));
  const heads = columnDefinitions.map(({ name }) => name.toUpperCase());
  const texts = [heads, ...rows.map(({ cells }) => cells.map((cell) => (cell === null ? "" : String(cell))))];
  const widths = shown.map((index) => Math.max(...texts.map((row) => lengthOf(row[index] ?? ""))));
  return texts.map((row) =>
    shown
      .map((index, place) => (row[index] ?? "").padEnd(widths[place] ?? 0))
      .join("   ")
      .trimEnd(),
  );
}

const cell = ({ columnDefinitions, rows }: Table, row: number, column: string): string | number | null =>
  rows[row]?.cells[columnDefinitions.findIndex(({ name }) => name === column)] ?? null;

/** As long as what stands in clusters out there. */
const long = "payments-gateway-production-eu-west1";
const kid = "aHcKS3QoUYVKMpzjXJpnjDeRfdbib_skl1BO-nssL6l";

const bare = { tokens: { issuer: "https://issuer.example", audiences: ["api"] } };

/** The resource in the cluster, with the status that the controller gives it. */
async function place(name: string, { status, spec }: KubeObject): Promise<void> {
  const { suspend } = spec as { suspend?: boolean };
  const made = await admin.create(folder("jwtkeyrotations"), {
    ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name } },
    spec: { ...bare, ...(suspend !== undefined && { suspend }) },
  });
  await admin.replace(`${folder("jwtkeyrotations")}/${name}/status`, { ...made, status });
}

it("kubectl get jkr has room in a terminal, in every state, and no cell that is stale beside READY False", async (context) => {
  const ring = ringOf({ signer: active(kid) });
  const ready = reported(resource(), seeing(ring, { gateways: [gatewayAt(ring)] }), []);
  if (ready === undefined) throw new Error("there is nothing to report");
  await place(long, ready);
  const states = Object.values(goldenRotations).flat();
  for (const [index, { object }] of states.entries()) {
    const status = {
      ...(object["status"] as object),
      ...("columns" in (object["status"] as object) && { activeKid: kid }),
    };
    await place(`${long.slice(0, -3)}${index + 100}`, { ...object, status });
  }
  const table = await tableOf("jwtkeyrotations");
  const [heads = "", ...lines] = linesOf(table);
  expect(heads.split(/ +/)).toEqual(["NAME", "READY", "REASON", "ACTIVE", "NEXT", "AGE"]);
  expect(lines).toHaveLength(states.length + 1);
  expect(Math.max(...[heads, ...lines].map(lengthOf))).toBeLessThanOrEqual(100);
  const rest = table.columnDefinitions.flatMap(({ name, priority }) => (priority === 0 ? [] : [name]));
  expect(rest).toEqual(["Algorithm", "Gateways", "Pinned", "Last", "Next at", "Kid", "Waiting for"]);

  const rows = table.rows.map((_, row) => row);
  const unready = rows.filter((row) => cell(table, row, "Ready") !== "True");
  expect(unready.length).toBeGreaterThan(15);
  for (const row of unready) expect([cell(table, row, "Next"), cell(table, row, "Next at")]).toEqual([null, null]);
  const isReady = (row: number): boolean => !unready.includes(row);
  for (const row of rows.filter(isReady))
    expect(cell(table, row, "Next")).toMatch(/^(\d+[dhm]|pinned|suspended|waits|on request)$/);
  const row = rows.find((one) => cell(table, one, "Name") === long) ?? -1;
  expect(["Ready", "Reason", "Active", "Next", "Gateways"].map((column) => cell(table, row, column))).toEqual([
    ...["True", "SignerPublished", "aHcKS3Qo…", "22d", "1/1"],
  ]);

  if (!hasKubectl) context.skip("no kubectl");
  const printed = (await kubectl("get", "jkr", "-n", namespace)).trimEnd().split("\n");
  expect(printed.map((line) => line.trimEnd().replace(/\S+$/, ""))).toEqual(
    [heads, ...lines].map((line) => line.replace(/\S+$/, "")),
  );
});

it("kubectl get kra has room in a terminal", async () => {
  await makeGatewayAccount(namespace);
  const rotation = new RotationHandle(namespace, "payments-jwt");
  const gateway = await FakeGateway.make(rotation, "payments-gateway-7d9c6bd5f4-x2x9p");
  await gateway.states({ generation: 1_795_000_000, writeId: "a", verifies: [kid], signs: kid });
  const lines = linesOf(await tableOf("keyringacks"));
  expect(lines[0]?.split(/ +/)).toEqual(["NAME", "POD", "GENERATION"]);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(
    linesOf(await tableOf("keyringacks"), true)[0]
      ?.split(/ +/)
      .slice(3),
  ).toEqual(["ROTATION", "SIGNS", "AGE"]);
});
