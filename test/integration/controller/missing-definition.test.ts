import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../../hack/run.ts";
import { readManifests } from "../../../hack/testcluster/apply.ts";
import { ownCluster } from "../support/own-cluster.ts";
import { holds, quick, rotationsPath, startController, type Status } from "./support/scene.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

test("without the definition of KeyRingAcks a revocation is carried out, and all goes on by itself when it comes", async (context) => {
  const { admin, endpoint } = await ownCluster(context);
  const path = rotationsPath("default");
  const manifest = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation" };
  const reaches = async (fits: (status: Status) => boolean): Promise<Status> => {
    for await (const { object } of admin.watch(path, AbortSignal.timeout(120_000))) {
      const status = object["status"] as Status | undefined;
      if (status !== undefined && fits(status)) return status;
    }
    throw new Error("The watch ended");
  };
  const hasStandby = ({ keys = [] }: Partial<Status>): boolean =>
    keys.some(({ state, publishedTime }) => state === "Prepared" && publishedTime !== undefined);

  startController({ namespace: "default", endpoint });
  await admin.create(path, { ...manifest, metadata: { name: "one" }, spec: quick });
  const { activeKid } = await reaches((status) => holds(status, "Ready") && hasStandby(status));

  await admin.remove(`${definitions}/keyringacks.keyturn.dev`);
  await admin.merge(`${path}/one`, { metadata: { annotations: { look: "again" } } });
  const stalled = await reaches((status) => holds(status, "Stalled"));
  expect(stalled.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
    reason: "ApiRefused",
    message: expect.stringContaining("keyringacks") as string,
  });
  await admin.merge(`${path}/one`, { spec: { revokedKids: [{ kid: activeKid }] } });
  await reaches((status) => status.activeKid !== activeKid && holds(status, "Stalled"));

  for (const definition of await readManifests(join(root, "crds/keyringacks.yaml")))
    await admin.create(definitions, definition);
  await reaches((status) => holds(status, "Ready") && hasStandby(status));
});
