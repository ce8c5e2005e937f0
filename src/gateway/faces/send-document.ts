import type { Handler } from "../../http/listener.ts";
import type { WellKnown } from "../../holder/well-known.ts";

/** Answers each request with the document as it is then. */
export function documentHandler(document: WellKnown): Handler {
  return (request, response) => {
    const { method, headers: asked } = request;
    const { status, headers, body } = document({ method, ifNoneMatch: asked["if-none-match"] });
    response.writeHead(status, Object.entries(headers).flat());
    response.end(body);
  };
}
