import type { GatewaySessions } from "../inject/gateway-sessions.ts";
import type { InjectFlags } from "./inject-flags.ts";
import { UsageError } from "./report-error.ts";

/** What the gateway's own flags say of sessions, as far as inject must know. */
export interface SaidOfSessions {
  readonly sessionBus?: unknown;
  readonly sessionBusCredentialsFile?: string;
  readonly sessionBusCaFile?: string;
  readonly drainTimeout?: number;
}

/** Undefined: sessions are not asked for. @throws UsageError for what is said of a bus where none is named, or said twice */
export function gatewaySessionsOf(given: InjectFlags, said: SaidOfSessions): GatewaySessions | undefined {
  if (given.sessions !== true) return undefined;
  const { sessionPort = 8083, sessionGrpcPort = 8084, sessionBusSecret, sessionBusCaConfigMap } = given;
  if (sessionBusSecret !== undefined) {
    mustBeOnce("--session-bus-secret", said, [said.sessionBusCredentialsFile, "--session-bus-credentials-file"]);
  }
  if (sessionBusCaConfigMap !== undefined) {
    mustBeOnce("--session-bus-ca-config-map", said, [said.sessionBusCaFile, "--session-bus-ca-file"]);
  }
  const bus = {
    ...(sessionBusSecret !== undefined && { secretName: sessionBusSecret }),
    ...(sessionBusCaConfigMap !== undefined && { caConfigMap: sessionBusCaConfigMap }),
  };
  return {
    ports: { "--session-port": sessionPort, "--session-grpc-port": sessionGrpcPort },
    drainMs: said.drainTimeout ?? 20_000,
    ...(Object.keys(bus).length > 0 && { bus }),
  };
}

/** @param twin - What the gateway's own flag says of the same, and its name */
function mustBeOnce(name: string, said: SaidOfSessions, [twin, twinName]: [string | undefined, string]): void {
  if (said.sessionBus === undefined) throw new UsageError(`Cannot use ${name}: must have --session-bus after --`);
  if (twin !== undefined) throw new UsageError(`Cannot inject: must have ${name} or ${twinName}, has both`);
}
