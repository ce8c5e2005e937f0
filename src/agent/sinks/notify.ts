import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { IdentitySpec } from "../agent-spec.ts";
import { runCommand } from "./run-command.ts";
import { signalProcess } from "./signal-process.ts";
import { tokenFileOf } from "./token-file.ts";

export interface NotifyPorts {
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
  /** What a command is given, and two names more: `KEYTURN_IDENTITY`, and `KEYTURN_TOKEN_FILE` where there is one. Never a token. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends a command that runs. */
  readonly signal: AbortSignal;
  /** So long a command may take, in milliseconds. @default 30000 */
  readonly withinMs?: number;
}

/**
 * What tells of an identity's new token, once its places have it. One call at a time for an identity.
 *
 * @throws KeyturnError when nobody was told: no such process, or a command that failed
 */
export function notifier(ports: NotifyPorts): (identity: IdentitySpec) => Promise<void> {
  return async (identity) => {
    const { name, notify } = identity;
    switch (notify?.kind) {
      case undefined:
        return;
      case "signal":
        return signalProcess(notify);
      case "command": {
        const { withinMs = 30_000, env, log } = ports;
        const file = tokenFileOf(identity.sinks);
        const own = { ...env, KEYTURN_IDENTITY: name, ...(file !== undefined && { KEYTURN_TOKEN_FILE: file }) };
        const output = await runCommand(notify.command, { ...ports, withinMs, env: own });
        log.info({ identity: name, command: notify.command[0], output }, "told of the new token");
        return;
      }
      default:
        notify satisfies never;
    }
  };
}
