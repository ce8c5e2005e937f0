import type { IncomingMessage } from "node:http";
import { hasBody, type HeaderList } from "../../http/answer.ts";
import { requestHeaders } from "./hop-headers.ts";

/** It sends its body after a 100, or after a while (RFC 9110 §10.1.1). */
export const expects = (request: IncomingMessage): boolean => request.headers.expect !== undefined && hasBody(request);

/** The headers of a request as they go to the upstream, without Host and Authorization. What says where it ends is written anew. */
export function headersToUpstream(request: IncomingMessage, isUpgrade: boolean): HeaderList {
  const { rawHeaders, headers, method = "" } = request;
  const passed = requestHeaders(rawHeaders, headers.connection);
  if (isUpgrade) passed.push("Connection", "Upgrade", "Upgrade", headers.upgrade ?? "");
  if (expects(request)) passed.push("Expect", "100-continue");
  if (headers["transfer-encoding"] !== undefined) passed.push("Transfer-Encoding", "chunked");
  else if (headers["content-length"] !== undefined) passed.push("Content-Length", headers["content-length"]);
  else if (!bodiless.has(method)) passed.push("Content-Length", "0");
  return passed;
}

/** Of which Node.js announces no body by itself. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"]);
