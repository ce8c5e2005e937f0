import { type handleUnaryCall, status } from "@grpc/grpc-js";
import { describeService, field, message, unary } from "./service-description.ts";
import type { GrpcService } from "./grpc-server.ts";

interface HealthRequest {
  readonly service?: string;
}

export interface HealthResponse {
  /** 1: SERVING, 2: NOT_SERVING. */
  readonly status: 1 | 2;
}

/** @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export const healthDefinition = describeService("grpc.health.v1.Health", {
  Health: { methods: { Check: unary("HealthCheckRequest", "HealthCheckResponse") } },
  HealthCheckRequest: message({ service: field("string", 1) }),
  HealthCheckResponse: message({ status: field("int32", 1) }),
});

/** `grpc.health.v1`: says the same of the whole and of each of these services. */
export function healthService(isReady: () => boolean, names: readonly string[]): GrpcService {
  const checkHealth: handleUnaryCall<HealthRequest, HealthResponse> = ({ request: { service = "" } }, answer) => {
    if (service === "" || names.includes(service)) answer(null, { status: isReady() ? 1 : 2 });
    else answer({ code: status.NOT_FOUND, details: "No such service" });
  };
  return { definition: healthDefinition, implementation: { Check: checkHealth } };
}
