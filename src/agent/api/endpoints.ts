import type { IncomingMessage } from "node:http";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { TextAnswer } from "../../http/answer.ts";
import { readBody } from "../../http/body.ts";
import type { Problem } from "../../http/problem.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import { objectIn } from "../../parse/json.ts";
import type { Log } from "../../telemetry/log.ts";
import type { AgentIdentities, AgentIdentity } from "../agent-identities.ts";
import { problems, registrationProblem, noTokenProblem } from "./api-problems.ts";
import { identityDocument } from "./identity-document.ts";
import { checkRegistration, type Registration } from "./registration.ts";
import { tokenDocument } from "./token-document.ts";

/** What the endpoints work on. */
export interface ApiParts {
  readonly identities: AgentIdentities;
  /** The one identity that is shown. @default all */
  readonly only?: string;
  /** @default nothing can be registered, or unregistered */
  readonly registration?: Registration;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** `nothing`: it is done, and there is no more to say. */
export type ApiAnswer = TextAnswer | Problem | "nothing";

/** The most that the body of an identity may measure, in bytes. */
const bodyLimit = 65_536;
const depthLimit = 16;

export function listIdentities({ identities, only }: ApiParts): ApiAnswer {
  const shown = identities.all().filter(({ spec }) => only === undefined || spec.name === only);
  return jsonAnswer({ items: shown.map(identityDocument) });
}

/** @param refusedId - Of a token that somebody answered 401 to: another one is given, or none */
export async function giveToken(
  identity: AgentIdentity,
  { accept, refusedId }: { readonly accept: string | undefined; readonly refusedId: string | undefined },
  { nowMs }: ApiParts,
): Promise<ApiAnswer> {
  return givenBy(identity, nowMs, async () => {
    const token = refusedId === undefined ? await identity.token() : await identity.refused(refusedId);
    return token === undefined ? problems.noOtherToken : tokenAnswer(token, { accept, nowMs: nowMs() });
  });
}

export async function refreshToken(
  identity: AgentIdentity,
  accept: string | undefined,
  { nowMs }: ApiParts,
): Promise<ApiAnswer> {
  return givenBy(identity, nowMs, async () => tokenAnswer(await identity.refresh(), { accept, nowMs: nowMs() }));
}

export async function registerIdentity(name: string, request: IncomingMessage, parts: ApiParts): Promise<ApiAnswer> {
  const { registration, identities, log } = parts;
  if (!registration) return problems.registeringOff;
  const [type = ""] = (request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") return problems.typeNotAllowed;
  const body = await readBody(request, bodyLimit);
  if (typeof body !== "string") return body;
  const value = objectIn(body, depthLimit);
  if (typeof value === "string") return problems.bodyInvalid;
  return unlessRefused(async () => {
    const spec = registration.read(name, value);
    checkRegistration(spec, registration.directory);
    const identity = await identities.register(spec);
    log.info({ identity: name }, "registered");
    return jsonAnswer(identityDocument(identity));
  });
}

export async function unregisterIdentity(name: string, parts: ApiParts): Promise<ApiAnswer> {
  const { registration, identities, log } = parts;
  if (!registration) return problems.registeringOff;
  return unlessRefused(async () => {
    if (!(await identities.unregister(name))) return problems.identityUnknown;
    log.info({ identity: name }, "unregistered");
    return "nothing";
  });
}

export const jsonAnswer = (document: object): TextAnswer => ({
  status: 200,
  type: "application/json",
  body: `${JSON.stringify(document)}\n`,
  headers: noStore,
});

/** RFC 6749 §5.1: a token is not to be kept by anybody in between. */
const noStore = ["cache-control", "no-store"];

/** For a shell, the token alone, without a line end; for everybody else JSON. */
function tokenAnswer(
  token: FreshToken,
  { accept, nowMs }: { readonly accept: string | undefined; readonly nowMs: number },
): TextAnswer {
  if (accept?.toLowerCase() !== "text/plain") return jsonAnswer(tokenDocument(token, nowMs));
  return { status: 200, type: "text/plain", body: token.accessToken, headers: noStore };
}

async function givenBy(
  identity: AgentIdentity,
  nowMs: () => number,
  give: () => Promise<ApiAnswer>,
): Promise<ApiAnswer> {
  try {
    return await give();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return noTokenProblem(error, (identity.status().nextAtMs ?? 0) - nowMs());
  }
}

async function unlessRefused(work: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return registrationProblem(error);
  }
}
