import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ingressDefinitions, ingressNeeds, meshConfigProto } from "../../../hack/ingress-crds.ts";
import { root } from "../../../hack/run.ts";
import { apply, pathOf, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { everything, podOf, render, the } from "../../chart/support/render.ts";
import { admin, gone, makeNamespace } from "../support/scene.ts";

const folder = join(root, "examples/ingress");
const namespace = await makeNamespace("ingress");
const missing = ingressNeeds();
const definitions = missing === undefined ? await ingressDefinitions() : [];

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

beforeAll(async () => {
  for (const object of definitions) await apply(admin, object);
});
afterAll(async () => {
  for (const object of definitions) await admin.remove(await pathOf(admin, object));
  for (const object of definitions) await gone(await pathOf(admin, object));
});

/** Refused where a field is unknown, or is not what its schema says. */
async function strictly(object: KubeObject): Promise<void> {
  const here = { ...object, metadata: { ...object.metadata, namespace } };
  const path = `${await pathOf(admin, here)}?fieldManager=test&force=true&fieldValidation=Strict&dryRun=All`;
  await admin.request("PATCH", path, { body: here, as: "apply" });
}

describe("examples/ingress", () => {
  it.each(["ingress-nginx", "istio", "istio-jwt", "envoy-gateway", "envoy-gateway-jwt"])(
    "%s.yaml is what the definitions of its kinds take",
    async (name) => {
      const objects = await readManifests(join(folder, `${name}.yaml`));
      expect(objects.length).toBeGreaterThan(0);
      for (const object of objects) await strictly(object);
      const [first] = objects;
      // The check sees a field that is none
      const typo = { ...first, spec: { ...(first?.["spec"] as object), providr: {} } } as KubeObject;
      await expect(strictly(typo)).rejects.toThrow(/providr/);
    },
  );

  it("kong.yaml has an Ingress that the API server takes, and a plugin that it names", async () => {
    const [plugin, ingress] = await readManifests(join(folder, "kong.yaml"));
    if (ingress === undefined) throw new Error("kong.yaml must have an Ingress");
    await strictly(ingress);
    expect(ingress.metadata).toMatchObject({ annotations: { "konghq.com/plugins": plugin?.metadata.name } });
  });

  it("istio-mesh.yaml has fields that a MeshConfig has", async () => {
    interface Provider {
      readonly name: string;
      readonly envoyExtAuthzHttp: object;
    }
    const { meshConfig } = parse(await readFile(join(folder, "istio-mesh.yaml"), "utf8")) as {
      meshConfig: { extensionProviders: readonly Provider[] };
    };
    const [provider] = meshConfig.extensionProviders;
    const [, message = ""] =
      /message EnvoyExternalAuthorizationHttpProvider \{(.*?)\n {4}\}/s.exec(
        await readFile(await meshConfigProto(), "utf8"),
      ) ?? [];
    const fields = [...message.matchAll(/^ +(?:repeated )?[\w.<>, ]+ (\w+) = \d+/gm)].map(([, name = ""]) =>
      name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    );
    expect(fields.length).toBeGreaterThan(8);
    expect(fields).toEqual(expect.arrayContaining(Object.keys(provider?.envoyExtAuthzHttp ?? {})));
    const [policy] = await readManifests(join(folder, "istio.yaml"));
    expect(policy?.["spec"]).toMatchObject({ provider: { name: provider?.name } });
  });

  it("asks the Service of the gateways that values.yaml makes", async () => {
    const values = parse(await readFile(join(folder, "values.yaml"), "utf8")) as object;
    const objects = await render(values);
    const { name, namespace: where } = the(objects, "Service", "keyturn-jwks").metadata;
    const host = `${name}.${where}.svc.cluster.local`;
    for (const file of ["ingress-nginx.yaml", "istio-mesh.yaml", "istio-jwt.yaml"])
      expect(await readFile(join(folder, file), "utf8")).toContain(host);
    expect(await readFile(join(folder, "envoy-gateway.yaml"), "utf8")).toContain(`name: ${name}, port: 80`);
    const [{ args }] = podOf(the(objects, "Deployment", "keyturn-jwks")).spec.containers;
    expect(args.at(-1)).toBe("--claim-headers=sub=X-Auth-Subject");
    for (const object of objects.filter(({ kind }) => kind === "HTTPRoute")) await strictly(object as KubeObject);
  });
});

it("the routes of the chart are what the Gateway API takes", async () => {
  const objects = (await render(everything)).filter(({ kind }) => kind === "HTTPRoute");
  expect(objects.map(({ metadata }) => metadata.name)).toEqual(["keyturn-issuer", "keyturn-jwks"]);
  for (const object of objects) await strictly(object as KubeObject);
});
