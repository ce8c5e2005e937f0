import { sendEmpty, hasBody } from "../../http/answer.ts";
import type { Decide } from "./decision.ts";
import type { Handler } from "../../http/listener.ts";

/**
 * The decision for nginx `auth_request`, Traefik and Caddy `forward_auth` and Envoy's ext_authz over HTTP: 200 with every owned
 * header, 401, 403 where a required scope is missing, 503 while not ready; any method, never a body.
 */
export function forwardAuth(decide: Decide): Handler {
  return (request, response) => {
    const { status, headers } = decide(request.rawHeaders);
    // Nobody reads the body, so nobody waits for it
    if (hasBody(request)) response.shouldKeepAlive = false;
    sendEmpty(response, status, headers);
  };
}
