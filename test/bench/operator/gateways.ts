import type { KubeClient } from "../../../hack/testcluster/client.ts";
import { type Contender, each } from "./contender.ts";

/** A pod of a gateway for each rotation, which runs, and what it has acknowledged. */
export function makeGateways(admin: KubeClient, contender: Contender, names: readonly string[]): Promise<void> {
  return each(names, 8, (name) => makeGateway(admin, contender, name));
}

async function makeGateway(admin: KubeClient, { namespace, folder }: Contender, rotation: string): Promise<void> {
  const labels = { "keyturn.dev/rotation": rotation };
  const name = `gateway-${rotation}`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const { metadata } = await admin.create(pods, {
    metadata: { name, labels },
    spec: { containers: [{ name: "keyturn", image: "keyturn" }] },
  });
  const startedAt = new Date().toISOString().replace(/\.\d+/, "");
  await admin.merge(`${pods}/${name}/status`, {
    status: {
      phase: "Running",
      startTime: startedAt,
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [
        {
          ...{ name: "keyturn", image: "keyturn", imageID: "keyturn", ready: true, restartCount: 0 },
          state: { running: { startedAt } },
        },
      ],
    },
  });
  const { status } = await admin.get<{ readonly status: RotationStatus }>(`${folder}/${rotation}`);
  await admin.create(`/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`, {
    apiVersion: "keyturn.dev/v1alpha1",
    kind: "KeyRingAck",
    metadata: { name: `${metadata.uid ?? ""}.${rotation}`, labels },
    ...{ rotation, podName: name, generation: status.ringGeneration },
    ...{ verifies: status.keys.map(({ kid }) => kid), signs: status.activeKid },
  });
}

interface RotationStatus {
  readonly ringGeneration: number;
  readonly activeKid: string;
  readonly keys: readonly { readonly kid: string }[];
}
