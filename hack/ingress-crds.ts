// The resource definitions of other projects that examples/ingress is for, as their Go modules have them.
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readManifests } from "./testcluster/apply.ts";
import { programOnPath } from "./testcluster/build.ts";
import type { KubeObject } from "./testcluster/client.ts";

/** Why they can't be read here, in one line, or undefined. */
export const ingressNeeds = (): string | undefined =>
  programOnPath("go") === undefined ? "no definitions of Istio and Envoy Gateway: install Go" : undefined;

const sources = {
  istio: {
    module: "istio.io/api@v1.32.0",
    file: "kubernetes/customresourcedefinitions.gen.yaml",
    names: ["requestauthentications.security.istio.io", "authorizationpolicies.security.istio.io"],
  },
  envoyGateway: {
    module: "github.com/envoyproxy/gateway@v1.9.1",
    file: "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_securitypolicies.yaml",
    names: ["securitypolicies.gateway.envoyproxy.io"],
  },
  gatewayApi: {
    module: "sigs.k8s.io/gateway-api@v1.6.0",
    file: "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    names: ["httproutes.gateway.networking.k8s.io"],
  },
} as const;

/** The folder of a module in Go's own cache, fetched once. */
async function folderOf(module: string): Promise<string> {
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", module], { cwd: tmpdir() });
  const [, folder] = /"Dir": "([^"]+)"/.exec(stdout) ?? [];
  if (folder === undefined) throw new Error(`Cannot read ${module}: go mod download must say where it is`);
  return folder;
}

/** The definitions of the Gateway API, Istio and Envoy Gateway that the examples use. */
export async function ingressDefinitions(): Promise<readonly KubeObject[]> {
  const all: KubeObject[] = [];
  for (const { module, file, names } of Object.values(sources)) {
    const wanted: readonly string[] = names;
    const found = (await readManifests(join(await folderOf(module), file))).filter(({ metadata }) =>
      wanted.includes(metadata.name),
    );
    if (found.length !== wanted.length) throw new Error(`Cannot read ${file} of ${module}: must have ${wanted.join()}`);
    all.push(...found);
  }
  return all;
}

/** The file that says what Istio's MeshConfig has. */
export const meshConfigProto = async (): Promise<string> =>
  join(await folderOf(sources.istio.module), "mesh/v1alpha1/config.proto");
