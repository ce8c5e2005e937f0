import type { Document } from "yaml";
import {
  agentEnv,
  agentEnvNames,
  agentMount,
  agentName,
  type AgentSidecar,
  isAgentTokenFile,
} from "./agent-sidecar.ts";
import { dropNamed, putNamed } from "./lists.ts";
import { listAt, type Path } from "./manifest.ts";

/** The application's own containers in a pod, those that come before it, too. */
export function ownContainers(document: Document, spec: Path, sidecars: readonly string[]): readonly Path[] {
  return ["initContainers", "containers"].flatMap((list) =>
    listAt(document, [...spec, list]).flatMap(({ name }, index) =>
      typeof name === "string" && sidecars.includes(name) ? [] : [[...spec, list, index]],
    ),
  );
}

/** Tells a container where it finds the agent, and lets it read there; without an agent takes both away. */
export function tellContainer(document: Document, container: Path, agent: AgentSidecar | undefined): void {
  const [env, mounts] = [
    [...container, "env"],
    [...container, "volumeMounts"],
  ] as const;
  const names = (agent === undefined ? [] : agentEnv(agent)).map(({ name }) => name);
  dropNamed(
    document,
    env,
    toldBefore(document, container).filter((name) => !names.includes(name)),
  );
  if (agent === undefined) {
    dropNamed(document, mounts, [agentName]);
    return;
  }
  for (const one of agentEnv(agent).toReversed()) putNamed(document, env, one);
  putNamed(document, mounts, agentMount);
}

/** A name alone says nothing: an application may say itself which identity it is. */
function toldBefore(document: Document, container: Path): readonly string[] {
  if (!listAt(document, [...container, "volumeMounts"]).some(({ name }) => name === agentName)) return [];
  const hadIdentity = listAt(document, [...container, "env"]).some(isAgentTokenFile);
  return hadIdentity ? agentEnvNames : agentEnvNames.slice(0, 1);
}
