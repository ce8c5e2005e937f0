import { pathOf, sendEmpty } from "../../http/answer.ts";
import type { Handler } from "../../http/listener.ts";
import type { WellKnown } from "../../holder/well-known.ts";
import { discoveryPath, jwksPath } from "../../jwt/public-paths.ts";
import type { Decide } from "./decision.ts";
import { forwardAuth } from "./forward-auth.ts";
import { documentHandler } from "./send-document.ts";

const verifyPath = "/verify";

export interface FrontDocuments {
  readonly jwks: WellKnown;
  readonly discovery: WellKnown;
}

/** What stands on the gateway's front port. */
export function front(decide: Decide, documents: FrontDocuments): Handler {
  const verify = forwardAuth(decide);
  const jwks = documentHandler(documents.jwks);
  const discovery = documentHandler(documents.discovery);
  return (request, response) => {
    const path = pathOf(request.url);
    if (isVerify(path)) verify(request, response);
    else if (path === jwksPath) jwks(request, response);
    else if (path === discoveryPath) discovery(request, response);
    else sendEmpty(response, 404);
  };
}

/** Envoy puts the path of the request that it asks about behind. */
const isVerify = (path: string): boolean => path === verifyPath || path.startsWith(`${verifyPath}/`);
