import type { AgentSidecar } from "./agent-sidecar.ts";
import type { GatewaySidecar } from "./gateway-sidecar.ts";
import type { WorkloadChoice } from "./selector.ts";

/** What is put beside an application. What was injected before, and is not here, is taken away. */
export interface WantedSidecars {
  readonly gateway?: GatewaySidecar;
  readonly agent?: AgentSidecar;
}

export interface InjectOptions extends WantedSidecars {
  /** Of what is added, where the manifest names none. */
  readonly namespace?: string;
  /** The others stay as they are. @default every workload */
  readonly choice?: WorkloadChoice;
  /** Of the service accounts that are made, beside those that the pods had. */
  readonly imagePullSecrets?: readonly string[];
  /** A manifest without a workload is no fault. */
  readonly mayBeNone?: boolean;
}
