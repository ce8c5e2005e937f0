import type { GrpcFace } from "../../grpc/grpc-server.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { SessionApplication, SessionService } from "../session-service.ts";

/** What the application beside the gateway may ask of its sessions. */
export type HubSessions = Pick<SessionService, "send" | "taken" | "remove">;

export interface HubOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A fresh id at each call. */
  readonly newId: () => string;
}

/** Where the application beside the gateway hears from sessions and sends to them, whether it is attached or away. */
export interface SessionHub {
  /** What the sessions tell. */
  readonly application: SessionApplication;
  readonly isAttached: boolean;
  /** What stands on its listener; its `onDrain` ends what is attached. To be called once, before anybody connects. */
  face(sessions: HubSessions): GrpcFace;
}
