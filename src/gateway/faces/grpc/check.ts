import { grpcCodes } from "../../../grpc/codes.ts";
import { lengthField, numberField } from "../../../grpc/wire-fields.ts";
import type { HeaderList } from "../../../http/answer.ts";
import type { AuthDecision, Decide } from "../decision.ts";
import { authorizationIn } from "./check-request.ts";

/** What a decision is called in gRPC. Envoy only asks whether it is OK; other proxies with this protocol may ask more. */
const codes: Readonly<Record<AuthDecision["status"], number>> = {
  200: grpcCodes.OK,
  401: grpcCodes.UNAUTHENTICATED,
  403: grpcCodes.PERMISSION_DENIED,
  503: grpcCodes.UNAVAILABLE,
};

/**
 * Numbers of the fields of `envoy.service.auth.v3.CheckResponse`.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/auth/v3/external_auth.proto
 */
const ids = {
  CheckResponse: { status: 1, deniedResponse: 2, okResponse: 3 },
  /** `google.rpc.Status`; any code but 0 denies. */
  Status: { code: 1 },
  DeniedHttpResponse: { status: 1, headers: 2 },
  HttpStatus: { code: 1 },
  OkHttpResponse: { headers: 2, headersToRemove: 5 },
  HeaderValueOption: { header: 1, append: 2 },
  HeaderValue: { key: 1, value: 2 },
  BoolValue: { value: 1 },
} as const;

/**
 * Envoy's question answered with the decision that every other proxy gets: a `CheckRequest` in, a `CheckResponse` out. An owned header
 * without a value is removed from the request: set or removed, never the client's own.
 *
 * @throws WireError for bytes that are no CheckRequest
 */
export function check(decide: Decide, message: Buffer): string {
  const { status, headers } = decide(authorizationIn(message));
  const { CheckResponse, Status } = ids;
  const code = lengthField(CheckResponse.status, numberField(Status.code, codes[status]));
  return status === 200
    ? code + lengthField(CheckResponse.okResponse, okResponse(headers))
    : code + lengthField(CheckResponse.deniedResponse, deniedResponse(status, headers));
}

function okResponse(headers: HeaderList): string {
  const { OkHttpResponse } = ids;
  let [set, removed] = ["", ""];
  for (const [key, value] of pairs(headers)) {
    if (value === "") removed += lengthField(OkHttpResponse.headersToRemove, key);
    else set += lengthField(OkHttpResponse.headers, overwriting(key, value));
  }
  return set + removed;
}

function deniedResponse(status: number, headers: HeaderList): string {
  const { DeniedHttpResponse, HttpStatus } = ids;
  let response = lengthField(DeniedHttpResponse.status, numberField(HttpStatus.code, status));
  for (const [key, value] of pairs(headers)) {
    response += lengthField(DeniedHttpResponse.headers, overwriting(key, value));
  }
  return response;
}

function* pairs(headers: HeaderList): Generator<readonly [string, string]> {
  for (let index = 0; index < headers.length; index += 2) {
    // HTTP/2 knows no other case (RFC 9113 §8.2)
    yield [headers[index]?.toLowerCase() ?? "", headers[index + 1] ?? ""];
  }
}

/** `append: false` says it in so many words: absent, Envoy's documentation and its versions are not of one mind about what holds. */
function overwriting(key: string, value: string): string {
  const { HeaderValueOption, HeaderValue, BoolValue } = ids;
  const header = lengthField(HeaderValue.key, key) + lengthField(HeaderValue.value, value);
  const append = numberField(BoolValue.value, 0);
  return lengthField(HeaderValueOption.header, header) + lengthField(HeaderValueOption.append, append);
}
