import { expect, inject, test } from "vitest";
import { KubeClient } from "../../../src/kube/client.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { configMaps } from "../../../src/kube/resource.ts";
import { EventRecorder, events, type EventFacts } from "../../../src/runtime/events.ts";
import { kubeConfigEndpoint } from "../../../src/cli/kubeconfig.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { makeNamespace } from "../support/scene.ts";

const namespace = await makeNamespace("events");

test("EventRecorder writes what the API server takes, and a series of what repeats", async () => {
  const { endpoint } = kubeConfigEndpoint({ files: [inject("cluster").kubeConfigFile] });
  const client = new KubeClient(transportTo(endpoint));
  const regarding = await client.create(configMaps, { metadata: { namespace, name: "about" } });
  const problems: unknown[] = [];
  const recorder = new EventRecorder({
    client,
    clock: systemClock,
    reportingController: "keyturn.dev/controller",
    reportingInstance: "pod-0",
    unique: () => "1",
    onProblem: (problem) => problems.push(problem),
  });
  const note = "🔑".repeat(400);
  const happening: EventFacts = { regarding, type: "Warning", reason: "Tested", action: "Test", note };
  for (let n = 0; n < 3; n++) recorder.record(happening);
  await recorder.flush();
  expect(problems).toEqual([]);
  const { items } = await client.list(events, { namespace });
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    type: "Warning",
    reason: "Tested",
    regarding: { kind: "ConfigMap", name: "about", uid: regarding.metadata.uid },
    series: { count: 2 },
  });
});
