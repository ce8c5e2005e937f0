import type { IncomingMessage } from "node:http";
import { hasBody, type HttpExchange, pathOf, sendText } from "../../http/answer.ts";
import type { Face } from "../../http/listener.ts";
import { type Problem, sendProblem } from "../../http/problem.ts";
import { apiMethods, type ApiPath, apiPathOf } from "./api-paths.ts";
import { problems, unreadableProblem } from "./api-problems.ts";
import {
  type ApiAnswer,
  type ApiParts,
  giveToken,
  jsonAnswer,
  listIdentities,
  refreshToken,
  registerIdentity,
  unregisterIdentity,
} from "./endpoints.ts";
import { identityDocument } from "./identity-document.ts";
import { guardProblem } from "./request-guard.ts";

export interface AgentApiOptions extends ApiParts {
  /** Its requests come over TCP, not by a Unix socket. */
  readonly isTcp: boolean;
}

/** The loopback API of an agent (docs/api/agent.md). */
export function agentApi(options: AgentApiOptions): Face {
  return {
    handler: (request, response) => {
      respond(options, { request, response }).catch((error: unknown) => {
        options.log.error({ error: error instanceof Error ? error.name : typeof error }, "a defect");
        if (response.headersSent) response.destroy();
        else sendProblem(response, problems.defect);
      });
    },
    unreadable: unreadableProblem,
  };
}

async function respond(options: AgentApiOptions, { request, response }: HttpExchange): Promise<void> {
  const wanted = guardProblem(request, options.isTcp) ?? wishOf(request);
  const answer = "place" in wanted ? await answerTo(wanted, request, options) : wanted;
  // What was not read of a body must not pass for the next request
  if (hasBody(request) && !request.complete) response.shouldKeepAlive = false;
  if (answer === "nothing") response.writeHead(204).end();
  else if ("code" in answer) sendProblem(response, answer);
  else sendText(response, answer);
}

/** What a request asks for. */
interface Wish {
  readonly place: ApiPath;
  readonly method: string;
  readonly name?: string;
  readonly refusedId?: string;
}

function wishOf(request: IncomingMessage): Wish | Problem {
  const { url = "", method = "" } = request;
  const path = pathOf(url);
  const found = apiPathOf(path);
  if (!found) return problems.pathUnknown;
  const allow: readonly string[] = apiMethods[found.place];
  if (!allow.includes(method)) return { ...problems.methodNotAllowed, allow };
  if (method !== "PUT" && hasBody(request)) return problems.bodyNotWanted;
  if (path === url) return { ...found, method };
  const refusedId = refusedIn(url.slice(path.length + 1));
  const takesIt = found.place === "/v1/identities/{name}/token";
  return takesIt && refusedId !== undefined ? { ...found, method, refusedId } : problems.queryUnknown;
}

function refusedIn(query: string): string | undefined {
  const [[name, id] = [], ...others] = new URLSearchParams(query);
  return name === "refused" && id !== "" && others.length === 0 ? id : undefined;
}

async function answerTo(
  { place, method, name, refusedId }: Wish,
  request: IncomingMessage,
  api: ApiParts,
): Promise<ApiAnswer> {
  if (name === undefined) return listIdentities(api);
  // Also of one that is not there: who it is for learns nothing of others
  if (api.only !== undefined && name !== api.only) return problems.otherIdentity;
  if (method === "PUT") return registerIdentity(name, request, api);
  if (method === "DELETE") return unregisterIdentity(name, api);
  const identity = api.identities.find(name);
  if (!identity) return problems.identityUnknown;
  const { accept } = request.headers;
  if (place === "/v1/identities/{name}/token") return giveToken(identity, { accept, refusedId }, api);
  if (place === "/v1/identities/{name}/refresh") return refreshToken(identity, accept, api);
  return jsonAnswer(identityDocument(identity));
}
