import { Client, type ClientOptions, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { ServiceDefinition } from "@grpc/proto-loader";
import { onTestFinished } from "vitest";
import { extAuthz, type ExtAuthzOptions } from "../../../src/gateway/faces/grpc/ext-authz.ts";
import { type GrpcLimits, listenGrpc } from "../../../src/grpc/listen-grpc.ts";
import { describeService, field, message, unary } from "../../support/service-description.ts";

import type { Address } from "../../../src/http/address.ts";
import type { Listener } from "../../../src/http/listener.ts";
import { authorization, type CheckRequest, type CheckResponse, type HeaderValue } from "./envoy-messages.ts";

const anywhere: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

/** A listener, closed with the test. */
export async function serveGrpc(service: ExtAuthzOptions, limits: GrpcLimits = {}, at = anywhere): Promise<Listener> {
  const listener = await listenGrpc(at, { methods: extAuthz(service) }, limits);
  onTestFinished(() => listener.drain(0));
  return listener;
}

/** What a call came to: the code's name and, where that is OK, the message. */
export interface Answer<T> {
  readonly code: string;
  readonly message?: T;
}

interface HealthResponse {
  /** 1: SERVING, 2: NOT_SERVING. */
  readonly status: 1 | 2;
}

/** @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const healthDefinition = describeService("grpc.health.v1.Health", {
  Health: { methods: { Check: unary("HealthCheckRequest", "HealthCheckResponse") } },
  HealthCheckRequest: message({ service: field("string", 1) }),
  HealthCheckResponse: message({ status: field("int32", 1) }),
});

function methodOf({ Check }: ServiceDefinition) {
  if (Check === undefined) throw new Error("there is no method Check");
  return Check;
}
const checkMethod = methodOf(authorization);
const healthMethod = methodOf(healthDefinition);
export const checkPath = checkMethod.path;
const readCheck = (bytes: Buffer): CheckResponse => checkMethod.responseDeserialize(bytes) as CheckResponse;
export const bytesOf = (request: CheckRequest): Buffer => checkMethod.requestSerialize(request);

export const asking = (...headers: readonly HeaderValue[]): CheckRequest => ({
  attributes: { request: { http: { headers } } },
});

/** A client on one connection of its own. */
export class GrpcClient {
  readonly #client: Client;

  /** @param target - A port, or `unix:/path` */
  constructor(target: number | string, options: ClientOptions = {}) {
    const address = typeof target === "number" ? `127.0.0.1:${target}` : target;
    const own = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0, ...options };
    this.#client = new Client(address, credentials.createInsecure(), own);
    onTestFinished(() => this.#client.close());
  }

  /** Any bytes to any method. */
  call(path: string, bytes: Buffer): Promise<Answer<Buffer>> {
    return this.#ask(path, bytes, (all) => all);
  }

  #ask<T>(path: string, bytes: Buffer, read: (bytes: Buffer) => T): Promise<Answer<T>> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        (all: Buffer) => all,
        read,
        bytes,
        (error, message) => {
          resolve(answerOf(error, message));
        },
      );
    });
  }

  check(request: CheckRequest): Promise<Answer<CheckResponse>> {
    return this.#ask(checkPath, bytesOf(request), readCheck);
  }

  health(service: string): Promise<Answer<HealthResponse>> {
    const bytes = healthMethod.requestSerialize({ service });
    return this.#ask(healthMethod.path, bytes, (answer) => healthMethod.responseDeserialize(answer) as HealthResponse);
  }

  /** A check that has begun, and ends when the test says so. */
  begin(): { readonly answer: Promise<Answer<CheckResponse>>; readonly end: (request: CheckRequest) => void } {
    const { promise, resolve } = Promise.withResolvers<Answer<CheckResponse>>();
    const stream = this.#client.makeClientStreamRequest(checkPath, bytesOf, readCheck, (error, message) => {
      resolve(answerOf(error, message));
    });
    stream.on("error", () => undefined);
    const end = (request: CheckRequest): void => {
      stream.write(request);
      stream.end();
    };
    return { answer: promise, end };
  }
}

function answerOf<T>(error: ServiceError | null, message: T | undefined): Answer<T> {
  if (error) return { code: status[error.code] };
  return message === undefined ? { code: "OK" } : { code: "OK", message };
}
