import type { handleUnaryCall } from "@grpc/grpc-js";
import type { GrpcFace } from "../../../grpc/grpc-server.ts";
import { healthService } from "../../../grpc/health-service.ts";
import type { Decide } from "../decision.ts";
import { check } from "./check.ts";
import { authorization, authorizationName, type CheckRequest, type CheckResponse } from "./envoy-messages.ts";

export interface ExtAuthzOptions {
  readonly decide: Decide;
  /** What grpc.health.v1 says, for the whole and for the one service alike. */
  readonly isReady: () => boolean;
}

/** `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`. */
export function extAuthz({ decide, isReady }: ExtAuthzOptions): GrpcFace {
  const checkRequest: handleUnaryCall<CheckRequest, CheckResponse> = ({ request }, answer) => {
    answer(null, check(decide, request));
  };
  const service = { definition: authorization, implementation: { Check: checkRequest } };
  return { services: [service, healthService(isReady, [authorizationName])] };
}
