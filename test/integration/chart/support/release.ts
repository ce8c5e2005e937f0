import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, inject } from "vitest";
import type { HelmMajor } from "../../../../hack/helm.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { chart, type HelmRun, podOf, type Rendered, runHelm } from "../../../chart/support/render.ts";
import { type RunningController, startController } from "../../controller/support/scene.ts";
import { admin, exists, gone, sees, tokenFor } from "../../support/scene.ts";

const home = mkdtempSync(join(tmpdir(), "keyturn-helm-"));
afterAll(() => rm(home, { recursive: true, force: true }));

export interface ReleaseOptions {
  readonly major: HelmMajor;
  readonly namespace: string;
  /** @default keyturn */
  readonly name?: string;
}

/** A release of the chart, in the hands of a real Helm. Every action resolves with how Helm ended. */
export class Release {
  readonly major: HelmMajor;
  readonly namespace: string;
  readonly name: string;

  constructor({ major, namespace, name = "keyturn" }: ReleaseOptions) {
    this.major = major;
    this.namespace = namespace;
    this.name = name;
  }

  install(values: object, ...flags: readonly string[]): Promise<HelmRun> {
    return this.#run(["install", this.name, chart, "--values", "-", ...flags], values);
  }

  upgrade(values: object, ...flags: readonly string[]): Promise<HelmRun> {
    return this.#run(["upgrade", this.name, chart, "--values", "-", ...flags], values);
  }

  rollback(revision: number, ...flags: readonly string[]): Promise<HelmRun> {
    return this.#run(["rollback", this.name, String(revision), ...flags]);
  }

  uninstall(...flags: readonly string[]): Promise<HelmRun> {
    return this.#run(["uninstall", this.name, ...flags]);
  }

  /** Takes back what failed. */
  get atomic(): readonly string[] {
    // In its other way Helm 4 first waits for the rotations by itself, and never comes to the hook
    return this.major === 3 ? ["--atomic"] : ["--rollback-on-failure", "--wait=legacy"];
  }

  /** Revision and state, newest last: `2 deployed`. */
  async history(): Promise<readonly string[]> {
    const { out } = await this.#run(["history", this.name, "--output", "json"]);
    const all = JSON.parse(out) as readonly { revision: number; status: string }[];
    return all.map(({ revision, status }) => `${revision} ${status}`);
  }

  #run(args: readonly string[], values: object = {}): Promise<HelmRun> {
    const folders = { HELM_CACHE_HOME: join(home, "cache"), HELM_CONFIG_HOME: join(home, "config") };
    const env = { ...folders, HELM_DATA_HOME: join(home, "data"), KUBECONFIG: inject("cluster").kubeConfigFile };
    const input = JSON.stringify(values);
    const isTimed = args[0] === "history" || args.includes("--timeout");
    const timed = isTimed ? args : [...args, "--timeout", "90s"];
    return runHelm([...timed, "--namespace", this.namespace], { major: this.major, input, env });
  }

  /**
   * What the controller's pods would run: the controller with the namespaces and the Lease of their arguments, as the release's
   * service account by a token of one of those pods. Until the end of the test.
   */
  async runController(): Promise<RunningController> {
    const apps = `/apis/apps/v1/namespaces/${this.namespace}/deployments`;
    const deployment = (await admin.get(`${apps}/${this.name}-controller`)) as unknown as Rendered;
    const { containers, serviceAccountName } = podOf(deployment).spec;
    const valuesOf = (flag: string): readonly string[] =>
      containers[0].args.filter((arg) => arg.startsWith(`${flag}=`)).map((arg) => arg.slice(flag.length + 1));
    const selector = "labelSelector=app.kubernetes.io/component=controller";
    const pod = await sees(`/api/v1/namespaces/${this.namespace}/pods?${selector}`, () => true);
    const { server, ca } = inject("cluster").connection;
    const token = await tokenFor(this.namespace, serviceAccountName, pod);
    const endpoint = fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token });
    const lease = { namespace: valuesOf("--lease-namespace")[0] ?? "", name: valuesOf("--lease-name")[0] ?? "" };
    return startController({ namespace: this.namespace, endpoint }, { namespaces: valuesOf("--namespace"), lease });
  }
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Removes what a release leaves: the next one brings it anew. */
export async function removeDefinitions(): Promise<void> {
  for (const name of ["jwtkeyrotations.keyturn.dev", "keyringacks.keyturn.dev"]) {
    if (!(await exists(`${definitions}/${name}`))) continue;
    await admin.remove(`${definitions}/${name}`);
    await gone(`${definitions}/${name}`);
  }
}

/** Helm's success; its words if it failed. */
export const succeeded = ({ code, err }: HelmRun): string => (code === 0 ? "succeeded" : err);
