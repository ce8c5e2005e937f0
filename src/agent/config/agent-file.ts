import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import type { KeyturnError } from "../../errors/keyturn-error.ts";
import { FollowedFiles } from "../../files/followed-files.ts";
import type { SmallFiles } from "../../files/small-files.ts";
import { tokenAgentKind } from "../../parse/api-names.ts";
import { onlyOneOf } from "../../parse/only-one-of.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { AgentSpec } from "../agent-spec.ts";
import { parseTokenAgent } from "./read-token-agent.ts";

/** In bytes: of ten thousand identities, each with long paths and a sink. */
const longest = 8 * 1_048_576;

export interface AgentFileOptions {
  /** The TokenAgent file; documents of other kinds in it are passed over. */
  readonly path: string;
  readonly files: SmallFiles;
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
  /** A change that the kernel does not tell of is seen after this long, in milliseconds. @default 10000 */
  readonly pollMs?: number;
  /** Called with each spec that takes the place of another. Must not throw. */
  readonly take: (spec: AgentSpec) => void;
}

/**
 * A TokenAgent file that is looked at again and again. One that can't be used is refused, said in the log and by `refused`, and the one before stays in
 * force. The files that it names are read by whoever needs them.
 *
 * @throws KeyturnError when it can't be used at the start
 */
export function openAgentFile(options: AgentFileOptions): Promise<FollowedFiles<AgentSpec>> {
  const { path, files, clock, log, pollMs, take } = options;
  let read: { readonly hash: string; readonly spec: AgentSpec } | undefined;
  return FollowedFiles.open<AgentSpec>({
    what: "the agent's file",
    read: async () => {
      const text = await files.read(path, longest);
      const hash = createHash("sha256").update(text).digest("base64url");
      // It is looked at every few seconds, and to parse ten thousand identities is dear
      if (read?.hash !== hash) {
        const spec = parseTokenAgent(onlyOneOf(tokenAgentKind, text, path), dirname(resolve(path)));
        read = { hash, spec };
      }
      return read.spec;
    },
    filesOf: () => [path],
    // A spec is data without secrets, made in one order
    isSame: (one, another) => one === another || JSON.stringify(one) === JSON.stringify(another),
    take: (spec, isFirst) => {
      const { identities, proxies, sockets } = spec;
      const counts = { identities: identities.length, proxies: proxies.length, sockets: sockets.length };
      log.info(counts, "the agent's file is in force");
      if (!isFirst) take(spec);
    },
    tell: (refused) => tellOf(refused, options),
    clock,
    ...(pollMs !== undefined && { pollMs }),
  });
}

function tellOf(refused: KeyturnError | undefined, { path, log }: AgentFileOptions): void {
  if (refused === undefined) {
    log.info({ path }, "the agent's file is the one in force again");
    return;
  }
  const { code, message } = refused;
  log.error({ path, code }, `the agent's file can't be used, the one before stays in force: ${message}`);
}
