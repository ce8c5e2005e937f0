import { WireFields } from "../../../grpc/wire-fields.ts";

/**
 * Numbers of the fields of `envoy.service.auth.v3.CheckRequest` on the way to the headers. What Envoy sends beside them is passed over.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/auth/v3/attribute_context.proto
 */
const ids = {
  CheckRequest: { attributes: 1 },
  AttributeContext: { request: 4 },
  Request: { http: 2 },
  /** `headers` is a map, on the wire a list of entries: so a key that stands twice shows. `headerMap` is in its place where the filter has `encode_raw_headers`. */
  HttpRequest: { headers: 3, headerMap: 13 },
  HeaderMap: { headers: 1 },
  /** An entry of `HttpRequest.headers` reads the same. */
  HeaderValue: { key: 1, value: 2, rawValue: 3 },
} as const;

const authorization = "authorization";

/**
 * Every Authorization header of the request that is asked about, names and values in turn. No other header is looked at, so none is copied.
 *
 * @throws WireError for bytes that are no such message
 */
export function authorizationIn(message: Buffer): readonly string[] {
  const found: string[] = [];
  each(new WireFields(message), ids.CheckRequest.attributes, (attributes) => {
    each(attributes, ids.AttributeContext.request, (request) => {
      each(request, ids.Request.http, (http) => addFrom(http, found));
    });
  });
  return found;
}

/** Calls `visit` with each message that stands in a field of this number. */
function each(fields: WireFields, id: number, visit: (message: WireFields) => void): void {
  while (fields.next()) if (fields.id === id) visit(fields.within());
}

function addFrom(http: WireFields, found: string[]): void {
  while (http.next()) {
    if (http.id === ids.HttpRequest.headers) addHeader(http, found);
    else if (http.id === ids.HttpRequest.headerMap) addFromMap(http.within(), found);
  }
}

function addFromMap(map: WireFields, found: string[]): void {
  while (map.next()) if (map.id === ids.HeaderMap.headers) addHeader(map, found);
}

/** Adds the header where the fields stand. */
function addHeader(at: WireFields, found: string[]): void {
  if (isAuthorization(at.within())) found.push(authorization, valueOf(at.within()));
}

function isAuthorization(header: WireFields): boolean {
  let isIt = false;
  while (header.next()) {
    if (header.id !== ids.HeaderValue.key) continue;
    isIt = header.to - header.from === authorization.length && header.text().toLowerCase() === authorization;
  }
  return isIt;
}

function valueOf(header: WireFields): string {
  let [value, raw]: [string | undefined, string] = [undefined, ""];
  while (header.next()) {
    if (header.id === ids.HeaderValue.value) value = header.text();
    else if (header.id === ids.HeaderValue.rawValue) raw = header.text("latin1");
  }
  return value ?? raw;
}
