import type { TestProject } from "vitest/node";
import { helm, type HelmMajor, helmMajors } from "../../../hack/helm.ts";
import { kustomize, kustomizeNeeds } from "../../../hack/kustomize.ts";
import { promqlParser } from "../../../hack/promql/build.ts";
import { programOnPath } from "../../../hack/testcluster/build.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Paths of the Helms that the chart is for. */
    readonly helms: Readonly<Record<HelmMajor, string>>;
    /** Path of the program around Prometheus' parser; empty where there is no Go to build it with. */
    readonly promql: string;
    /** Path of a kustomize; empty where there is none, and no Go to build it with. */
    readonly kustomize: string;
  }
}

/** Has both Helms, the parser and kustomize, built if they must be. */
export default async function setup(project: TestProject): Promise<void> {
  const say = (line: string): void => console.log(line);
  const found: [HelmMajor, string][] = [];
  for (const major of helmMajors) found.push([major, await helm(major, say)]);
  const [[, three], [, four]] = found as [[HelmMajor, string], [HelmMajor, string]];
  project.provide("helms", { 3: three, 4: four });
  project.provide("promql", programOnPath("go") === undefined ? "" : await promqlParser(say));
  project.provide("kustomize", kustomizeNeeds() === undefined ? await kustomize(say) : "");
}
