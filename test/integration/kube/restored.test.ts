import { expect, onTestFinished, test } from "vitest";
import { KubeClient } from "../../../src/kube/client.ts";
import { Reflector } from "../../../src/kube/reflector.ts";
import { configMaps } from "../../../src/kube/resource.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { ownCluster } from "../support/own-cluster.ts";

const path = "/api/v1/namespaces/default/configmaps";

test("Reflector hears of what happens after etcd went back to a snapshot, whose versions are older than its own", async (context) => {
  const { admin, endpoint, backUp, restore } = await ownCluster(context);
  const waiting = new Set<() => void>();
  const reflector = new Reflector({
    client: new KubeClient(transportTo(endpoint)),
    resource: configMaps,
    selection: { namespace: "default", labelSelector: "of=test" },
    backoff: { baseMs: 100, maxMs: 100 },
    onChange: () => {
      for (const look of waiting) look();
    },
  });
  const shows = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        const [object] = reflector.store.list();
        if (JSON.stringify(object?.["data"]).includes(text)) resolve();
      };
      waiting.add(look);
      look();
    });
  await admin.create(path, { metadata: { name: "one", labels: { of: "test" } }, data: { is: "old" } });
  await backUp();
  const stop = new AbortController();
  const run = reflector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await run;
  });
  await reflector.synced();
  for (let n = 0; n < 200; n++) await admin.create(path, { metadata: { generateName: "other-" } });
  await admin.merge(`${path}/one`, { data: { is: "newer" } });
  await shows("newer");
  const { version: before } = versionOf(reflector);
  await restore();
  await shows("old");
  await admin.merge(`${path}/one`, { data: { is: "after" } });
  await shows("after");
  expect(versionOf(reflector).version).toBeLessThan(before);
});

const versionOf = ({ store }: Reflector): { readonly version: number } => ({
  version: Number(store.list()[0]?.metadata.resourceVersion),
});
