import { describeService, field, message, unary } from "../../support/service-description.ts";

/** A header of Envoy's: an entry of `HttpRequest.headers`, which reads the same on the wire, or a `HeaderValue`. */
export interface HeaderValue {
  readonly key?: string;
  readonly value?: string;
  /** In place of `value`, where Envoy's filter has `encode_raw_headers`. */
  readonly rawValue?: Buffer;
}

/** As much of `CheckRequest` as is looked at. Nothing of it must be there. */
export interface CheckRequest {
  readonly attributes?: {
    readonly request?: {
      readonly http?: {
        /** Every name once, in lower case; Envoy puts a comma between the values of one that stood twice. */
        readonly headers?: readonly HeaderValue[];
        /** In place of `headers`, where Envoy's filter has `encode_raw_headers`: as they came. */
        readonly headerMap?: { readonly headers?: readonly HeaderValue[] };
      };
    };
  };
}

interface HeaderOption {
  readonly header: HeaderValue;
  /** Absent, Envoy's documentation and its versions are not of one mind about what holds. */
  readonly append: { readonly value: boolean };
}

export interface CheckResponse {
  /** `google.rpc.Status`; any code but 0 denies. */
  readonly status: { readonly code: number };
  readonly deniedResponse?: { readonly status: { readonly code: number }; readonly headers: readonly HeaderOption[] };
  readonly okResponse?: { readonly headers: readonly HeaderOption[]; readonly headersToRemove: readonly string[] };
}

const authorizationName = "envoy.service.auth.v3.Authorization";

const list = (type: string, id: number) => ({ rule: "repeated", type, id });

/**
 * Names, numbers and types of the fields that are read or written. What Envoy sends beside them is skipped. A message's own name is
 * not on the wire, so all of Envoy's stand in one package.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/auth/v3/external_auth.proto
 */
export const authorization = describeService(authorizationName, {
  Authorization: { methods: { Check: unary("CheckRequest", "CheckResponse") } },
  CheckRequest: message({ attributes: field("AttributeContext", 1) }),
  AttributeContext: message({ request: field("Request", 4) }),
  Request: message({ http: field("HttpRequest", 2) }),
  // A map is a list of entries with key = 1 and value = 2: as a list it shows a key that stands twice
  HttpRequest: message({ headers: list("HeaderValue", 3), headerMap: field("HeaderMap", 13) }),
  HeaderMap: message({ headers: list("HeaderValue", 1) }),
  HeaderValue: message({ key: field("string", 1), value: field("string", 2), rawValue: field("bytes", 3) }),
  HeaderValueOption: message({ header: field("HeaderValue", 1), append: field("BoolValue", 2) }),
  BoolValue: message({ value: field("bool", 1) }),
  CheckResponse: message({
    status: field("Status", 1),
    deniedResponse: field("DeniedHttpResponse", 2),
    okResponse: field("OkHttpResponse", 3),
  }),
  Status: message({ code: field("int32", 1) }),
  DeniedHttpResponse: message({ status: field("HttpStatus", 1), headers: list("HeaderValueOption", 2) }),
  HttpStatus: message({ code: field("int32", 1) }),
  OkHttpResponse: message({ headers: list("HeaderValueOption", 2), headersToRemove: list("string", 5) }),
});
