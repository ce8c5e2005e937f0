import { describe, expect, it } from "vitest";
import { idleIn, isChosen, selectorIn, type WorkloadSelector } from "../../src/inject/selector.ts";
import { readManifest } from "../../src/inject/manifest.ts";
import { type Workload, workloadIn } from "../../src/inject/workloads.ts";

function workload(kind: string, name: string, labels = "{}"): Workload {
  const text = `apiVersion: ${kind === "Job" ? "batch" : "apps"}/v1\nkind: ${kind}\nmetadata: {name: ${name}, labels: ${labels}}\n`;
  const [part] = readManifest(text).parts;
  const found = part && workloadIn(part);
  if (found === undefined) throw new Error(text);
  return found;
}

const selector = (text: string): WorkloadSelector => {
  const found = selectorIn(text);
  if (found === undefined) throw new Error(text);
  return found;
};

const all = [
  workload("Deployment", "orders", "{app: orders, app.kubernetes.io/part-of: shop}"),
  workload("Deployment", "billing"),
  workload("StatefulSet", "orders"),
  workload("Job", "migrate"),
];

const chosenBy = (only: readonly string[] | undefined, skip: readonly string[] = []): readonly string[] =>
  all
    .filter((one) => isChosen(one, { ...(only && { only: only.map(selector) }), skip: skip.map(selector) }))
    .map(({ kind, name }) => `${kind}/${name}`);

describe("a choice of workloads", () => {
  const [orders, billing, set, job] = ["Deployment/orders", "Deployment/billing", "StatefulSet/orders", "Job/migrate"];

  it.each<[readonly string[] | undefined, readonly string[], readonly string[]]>([
    [undefined, [], [orders, billing, set, job]],
    [["Deployment"], [], [orders, billing]],
    [["deployments"], [], [orders, billing]],
    [["orders"], [], [orders, set]],
    [["statefulset/orders"], [], [set]],
    [["app=orders"], [], [orders]],
    [["app.kubernetes.io/part-of=shop"], [], [orders]],
    [["app="], [], []],
    [["Job", "billing"], [], [billing, job]],
    [undefined, ["Job", "app=orders"], [billing, set]],
    [["orders"], ["StatefulSet"], [orders]],
  ])("only %j, without %j: %j", (only, skip, chosen) => {
    expect(chosenBy(only, skip)).toEqual(chosen);
  });

  it.each(["", "Orders", "Secret/orders", "Deployment/", "/orders", "Deployment/Orders", "a/b/c", "a=b=c", "=b"])(
    "is not %j",
    (text) => {
      expect(selectorIn(text)).toBeUndefined();
    },
  );

  it("says which of its words no workload fits", () => {
    const choice = { only: [selector("orders"), selector("order")], skip: [selector("CronJob"), selector("Job")] };
    expect(idleIn(choice, all)).toEqual(["order", "CronJob"]);
  });
});
