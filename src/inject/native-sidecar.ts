import type { Members } from "../parse/object.ts";

/** TCP ports from 1 to 65535, by the flag that says so. */
export type PortsByFlag = Readonly<Record<string, number>>;

/** Who a sidecar runs as: a user of the cluster's own choice, as OpenShift has it, or this one. */
export type SidecarUser = number | "any";

interface NativeSidecar {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly Members[];
  readonly ports: readonly Members[];
  /** Name of the port of probes and metrics. */
  readonly adminPort: string;
  readonly lifecycle?: Members;
  readonly memory: { readonly requests: string; readonly limits: string };
  readonly runAsUser: SidecarUser | undefined;
  readonly volumeMounts: readonly Members[];
}

/** User and group of the image. */
export const imageUser = 65532;

/**
 * A native sidecar: an init container that goes on (Kubernetes 1.29; a preStop that sleeps needs 1.30). The application starts once it is ready, and
 * ends before it. It passes the Pod Security Standard `restricted`.
 */
export function nativeSidecar({
  name,
  image,
  args,
  env,
  ports,
  adminPort,
  lifecycle,
  memory,
  runAsUser = imageUser,
  ...rest
}: NativeSidecar): Members {
  return {
    ...{ name, image, restartPolicy: "Always", args },
    ...(env !== undefined && { env }),
    ports,
    startupProbe: { httpGet: { path: "/readyz", port: adminPort }, periodSeconds: 1, failureThreshold: 300 },
    readinessProbe: { httpGet: { path: "/readyz", port: adminPort }, periodSeconds: 2 },
    livenessProbe: { httpGet: { path: "/livez", port: adminPort } },
    ...(lifecycle !== undefined && { lifecycle }),
    resources: { requests: { cpu: "10m", memory: memory.requests }, limits: { memory: memory.limits } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      // The group shares files with the application, whatever the user
      ...(runAsUser !== "any" && { runAsUser, runAsGroup: imageUser }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...rest,
  };
}
