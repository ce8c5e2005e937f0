import { groupIdOf } from "../../files/groups.ts";
import type { Listener } from "../../http/listener.ts";
import type { SocketSpec } from "../agent-spec.ts";
import { type ListenersParts, openListeners, type SpecListeners } from "../spec-listeners.ts";
import type { ApiParts } from "./endpoints.ts";
import { openAgentApi } from "./open-agent-api.ts";

export interface SocketsParts
  extends Pick<ApiParts, "identities" | "nowMs" | "log">, Pick<ListenersParts<SocketSpec>, "clock" | "chance"> {
  /** So long requests that were begun may take when their socket ends, in milliseconds. */
  readonly drainMs: number;
}

/** The sockets that are for one identity each. @throws ChangeNeededError where one of them can't be opened: as the agent's own, or `NoSuchGroup` */
export const openSockets = (specs: readonly SocketSpec[], parts: SocketsParts): Promise<SpecListeners<SocketSpec>> =>
  openListeners(specs, { ...parts, open: (spec) => openSocket(spec, parts), addressOf: ({ path }) => `unix:${path}` });

async function openSocket(
  { path, mode, group, identity: only }: SocketSpec,
  { identities, nowMs, log }: SocketsParts,
): Promise<Listener> {
  const groupId = group === undefined ? undefined : await groupIdOf(group);
  const address = { kind: "unix", path, mode, ...(groupId !== undefined && { groupId }) } as const;
  return openAgentApi({ address, only, identities, nowMs, log });
}
