import { status } from "@grpc/grpc-js";
import type { HeaderList } from "../../../http/answer.ts";
import type { Decide, AuthDecision } from "../decision.ts";
import type { CheckRequest, CheckResponse, HeaderValue } from "./envoy-messages.ts";

/** What a decision is called in gRPC. Envoy only asks whether it is OK; other proxies with this protocol may ask more. */
const codes: Readonly<Record<AuthDecision["status"], status>> = {
  200: status.OK,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  503: status.UNAVAILABLE,
};

/**
 * Envoy's question answered with the decision that every other proxy gets. An owned header without a value is removed from the request:
 * set or removed, never the client's own.
 */
export function check(decide: Decide, { attributes }: CheckRequest): CheckResponse {
  const { headers = [], headerMap } = attributes?.request?.http ?? {};
  const decision = decide(
    [...headers, ...(headerMap?.headers ?? [])].flatMap(({ key = "", ...rest }) => [key, valueOf(rest)]),
  );
  const answer = pairsOf(decision.headers);
  const code = codes[decision.status];
  if (decision.status !== 200) {
    return {
      status: { code },
      deniedResponse: { status: { code: decision.status }, headers: answer.map(overwriting) },
    };
  }
  return {
    status: { code },
    okResponse: {
      headers: answer.filter(({ value }) => value !== "").map(overwriting),
      headersToRemove: answer.filter(({ value }) => value === "").map(({ key }) => key),
    },
  };
}

const valueOf = ({ value, rawValue }: HeaderValue): string => value ?? rawValue?.toString("latin1") ?? "";

const overwriting = (header: HeaderValue) => ({ header, append: { value: false } });

function pairsOf(headers: HeaderList): { readonly key: string; readonly value: string }[] {
  const pairs = [];
  for (let index = 0; index < headers.length; index += 2) {
    // HTTP/2 knows no other case (RFC 9113 §8.2)
    pairs.push({ key: headers[index]?.toLowerCase() ?? "", value: headers[index + 1] ?? "" });
  }
  return pairs;
}
