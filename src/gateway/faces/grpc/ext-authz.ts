import { healthMethod, healthPath } from "../../../grpc/health-service.ts";
import type { GrpcMethods } from "../../../grpc/listen-grpc.ts";
import type { Decide } from "../decision.ts";
import { check } from "./check.ts";

export interface ExtAuthzOptions {
  readonly decide: Decide;
  /** What grpc.health.v1 says, for the whole and for the one service alike. */
  readonly isReady: () => boolean;
}

/** Its name in `grpc.health.v1`, too. */
const authorizationName = "envoy.service.auth.v3.Authorization";

/** `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`. */
export const extAuthz = ({ decide, isReady }: ExtAuthzOptions): GrpcMethods =>
  new Map([
    [`/${authorizationName}/Check`, { unary: (message) => check(decide, message) }],
    [healthPath, { unary: healthMethod(isReady, [authorizationName]) }],
  ]);
