import type { AgentSidecar } from "./agent-sidecar.ts";
import type { GatewaySidecar } from "./gateway-sidecar.ts";

/** What is put beside the applications. What was injected before, and is not here, is taken away. */
export interface InjectOptions {
  /** Of what is added, where the manifest names none. */
  readonly namespace?: string;
  readonly gateway?: GatewaySidecar;
  readonly agent?: AgentSidecar;
}
