import { healthMethod, healthPath } from "../../../grpc/health-service.ts";
import type { UnaryMethods } from "../../../grpc/unary/unary-server.ts";
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
export const extAuthz = ({ decide, isReady }: ExtAuthzOptions): UnaryMethods =>
  new Map([
    [`/${authorizationName}/Check`, (message) => check(decide, message)],
    [healthPath, healthMethod(isReady, [authorizationName])],
  ]);
