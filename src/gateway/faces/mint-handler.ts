import type { IncomingMessage } from "node:http";
import { readMintRequest, type MintRequest } from "../../jwt/mint-request.ts";
import type { Minted } from "../../jwt/minter.ts";
import { KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import { pathOf, sendText, type HttpExchange } from "../../http/answer.ts";
import { readBody } from "../../http/body.ts";
import type { Handler } from "../../http/listener.ts";
import { namesThisMachine } from "../../http/local-only.ts";
import { type Problem, sendProblem } from "../../http/problem.ts";

/** What became of a request, for metrics. */
export type MintOutcome = "Minted" | "RequestRefused" | "Unavailable" | "Failed";

export interface MintHandlerOptions {
  /** @throws RuleError | ChangeNeededError for a request that is at fault, TryLaterError while nothing can be minted */
  readonly mint: (request: MintRequest) => Promise<Minted>;
  /** Over TCP the `Host` must name this machine: a web page may know another name for it (DNS rebinding). */
  readonly hosts: "loopback" | "any";
  readonly count: (outcome: MintOutcome) => void;
  /** Hears of what is a defect. */
  readonly onDefect: (error: unknown) => void;
}

const mintPath = "/token";
/** The most that a request's body may measure, in bytes: more than any token's claims. */
const mintBodyLimit = 16_384;

/** `POST /token` with `{sub, audience?, ttlSeconds?, claims?, type?}` → `{token, kid, expiresAt}`. */
export function mintHandler(options: MintHandlerOptions): Handler {
  return (request, response) => {
    answer(options, { request, response }).catch((error: unknown) => {
      options.onDefect(error);
      options.count("Failed");
      if (response.headersSent) response.destroy();
      else sendProblem(response, { status: 500, code: "Defect", title: "This is a defect of Keyturn" });
    });
  };
}

async function answer(options: MintHandlerOptions, { request, response }: HttpExchange): Promise<void> {
  const refusal = mintProblem(request, options.hosts);
  const body = refusal ?? (await readBody(request, mintBodyLimit));
  if (typeof body !== "string") {
    options.count("RequestRefused");
    // What was not read of the body must not pass for the next request
    response.shouldKeepAlive = false;
    sendProblem(response, body);
    return;
  }
  const minted = await mintOutcome(options, body);
  if ("status" in minted) {
    options.count(minted.status === 503 ? "Unavailable" : "RequestRefused");
    sendProblem(response, minted);
    return;
  }
  options.count("Minted");
  const { token, kid, expiresAtMs } = minted;
  sendText(response, {
    status: 200,
    type: "application/json",
    body: `${JSON.stringify({ token, kid, expiresAt: new Date(expiresAtMs).toISOString() })}\n`,
    // RFC 6749 §5.1: a token is not to be kept by anybody in between
    headers: ["cache-control", "no-store"],
  });
}

async function mintOutcome({ mint }: MintHandlerOptions, body: string): Promise<Minted | Problem> {
  try {
    return await mint(readMintRequest(body));
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const { code, message: detail } = error;
    return error instanceof TryLaterError
      ? { status: 503, code, title: "No token can be made now", detail, retryAfterSeconds: 1 }
      : { status: 400, code, title: "The request can't be met", detail };
  }
}

/** What is wrong with a request before its body is looked at. */
function mintProblem(request: IncomingMessage, hosts: MintHandlerOptions["hosts"]): Problem | undefined {
  const { method, headers } = request;
  if (pathOf(request.url) !== mintPath) return { status: 404, code: "PathUnknown", title: `Only ${mintPath} is here` };
  if (method !== "POST") {
    return { status: 405, code: "MethodNotAllowed", title: "Only POST is allowed", allow: ["POST"] };
  }
  // A browser sends it with every POST: no web page is to mint
  if (headers.origin !== undefined) return { status: 403, code: "OriginNotAllowed", title: "Not for web pages" };
  if (hosts === "loopback" && !namesThisMachine(headers.host)) {
    return { status: 403, code: "HostNotAllowed", title: "The Host must be a name of this machine itself" };
  }
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") {
    return { status: 415, code: "TypeNotAllowed", title: "The body must be application/json" };
  }
  return undefined;
}
