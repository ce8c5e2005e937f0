import type { Document } from "yaml";
import type { Members } from "../parse/object.ts";
import { agentEnv, agentEnvNames, agentMount, isAgentTokenFile } from "./agent-sidecar.ts";
import { hubEnv, hubMount } from "./gateway-sessions.ts";
import type { WantedSidecars } from "./inject-options.ts";
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

/** Tells a container where it finds agent and hub, and lets it in there; takes away what is told of one that is not asked for. */
export function tellContainer(document: Document, container: Path, { gateway, agent }: WantedSidecars): void {
  const env = listAt(document, [...container, "env"]);
  tell(document, container, {
    mount: agentMount,
    // A name alone says nothing: an application may say itself which identity it is
    before: env.some(isAgentTokenFile) ? agentEnvNames : agentEnvNames.slice(0, 1),
    now: agent && agentEnv(agent),
  });
  tell(document, container, { mount: hubMount, before: [hubEnv.name], now: gateway?.sessions && [hubEnv] });
}

interface ToldContainer {
  readonly mount: { readonly name: string };
  /** Names of what was told where the mount is there. */
  readonly before: readonly string[];
  /** What is told from now on; undefined: nothing, and there is no mount, either. */
  readonly now: readonly Members[] | undefined;
}

function tell(document: Document, container: Path, { mount, before, now }: ToldContainer): void {
  const [env, mounts] = [
    [...container, "env"],
    [...container, "volumeMounts"],
  ] as const;
  const names = now?.map(({ name }) => name) ?? [];
  const hadMount = listAt(document, mounts).some(({ name }) => name === mount.name);
  if (hadMount) {
    dropNamed(
      document,
      env,
      before.filter((name) => !names.includes(name)),
    );
  }
  if (now === undefined) {
    dropNamed(document, mounts, [mount.name]);
    return;
  }
  for (const one of now.toReversed()) putNamed(document, env, one);
  putNamed(document, mounts, mount);
}
