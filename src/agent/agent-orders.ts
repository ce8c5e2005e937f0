import type { FollowedFiles } from "../files/followed-files.ts";
import { smallFiles } from "../files/small-files.ts";
import { aborted } from "../time/signal.ts";
import type { AgentOptions } from "./agent-options.ts";
import type { AgentSpec } from "./agent-spec.ts";
import { openAgentFile } from "./config/agent-file.ts";

/** What an agent is to do now. */
export type OpenOrders = Pick<FollowedFiles<AgentSpec>, "current" | "refused" | "reload" | "run">;

/** @param take - Called with each spec that takes the place of another. @throws KeyturnError where the first one can't be used */
export async function openOrders(
  { told, clock, log }: Pick<AgentOptions, "told" | "clock" | "log">,
  take: (spec: AgentSpec) => void,
): Promise<OpenOrders> {
  if (told.kind === "file") return openAgentFile({ path: told.path, files: smallFiles, clock, log, take });
  return { current: told.spec, refused: undefined, reload: () => Promise.resolve(), run: aborted };
}
