import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { names } from "./names.ts";

interface Deployment extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: { readonly volumes: readonly object[] };
    };
  };
}

const { rotation } = names;

/** docs/gateway.md, "In a pod", as a native sidecar. */
const gateway = (image: string): object => ({
  name: "keyturn",
  image,
  imagePullPolicy: "Never",
  restartPolicy: "Always",
  args: ["gateway"],
  env: [
    { name: "KEYTURN_GATEWAY_ROTATION", value: rotation },
    { name: "KEYTURN_MOUNT", value: "/run/keyturn/keys" },
    { name: "KEYTURN_OBJECT", value: rotation },
    { name: "KEYTURN_GATEWAY_FLOOR_DIR", value: "/run/keyturn/floor" },
    { name: "KEYTURN_GATEWAY_MINT_LISTEN", value: "127.0.0.1:8081" },
    { name: "KEYTURN_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "KEYTURN_POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
  ],
  ports: [{ containerPort: 8080 }, { containerPort: 9090, name: "admin" }],
  startupProbe: { httpGet: { path: "/readyz", port: "admin" }, periodSeconds: 1, failureThreshold: 120 },
  readinessProbe: { httpGet: { path: "/readyz", port: "admin" }, periodSeconds: 2 },
  livenessProbe: { httpGet: { path: "/livez", port: "admin" } },
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
  volumeMounts: [
    { name: "keyturn-keys", mountPath: "/run/keyturn/keys", readOnly: true },
    { name: "keyturn-floor", mountPath: "/run/keyturn/floor" },
    { name: "keyturn-token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
  ],
});

const token = {
  name: "keyturn-token",
  projected: {
    sources: [
      { serviceAccountToken: { path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
    ],
  },
};

/** The Deployment with a gateway beside the application. */
export function withGateway(deployment: KubeObject, image: string): KubeObject {
  const { spec, ...rest } = deployment as Deployment;
  const { template } = spec;
  const keys = { name: "keyturn-keys", secret: { secretName: rotation } };
  const floor = { name: "keyturn-floor", emptyDir: { sizeLimit: "4Mi" } };
  return {
    ...rest,
    spec: {
      ...spec,
      template: {
        metadata: { labels: { ...template.metadata.labels, "keyturn.dev/rotation": rotation } },
        spec: {
          ...template.spec,
          automountServiceAccountToken: false,
          securityContext: { fsGroup: 65532 },
          initContainers: [gateway(image)],
          volumes: [...template.spec.volumes, keys, floor, token],
        },
      },
    },
  };
}
