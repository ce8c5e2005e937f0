import { type KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import { type Problem, problemJson, problemType } from "../../http/problem.ts";
import type { UnreadableAnswer, UnreadableStatus } from "../../http/unreadable.ts";

/** Everything that the loopback API refuses by itself, by its code; {@link noTokenProblem} and {@link registrationProblem} have those of others. */
export const problems = {
  pathUnknown: { status: 404, code: "PathUnknown", title: "There is nothing at this path" },
  methodNotAllowed: { status: 405, code: "MethodNotAllowed", title: "Another method is to be used here" },
  queryUnknown: { status: 400, code: "QueryUnknown", title: "The query may be ?refused=<tokenId> of a token alone" },
  bodyNotWanted: { status: 400, code: "BodyNotWanted", title: "There may be no body" },
  typeNotAllowed: { status: 415, code: "TypeNotAllowed", title: "The body must be application/json" },
  bodyInvalid: { status: 400, code: "BodyInvalid", title: "The body must be a JSON object, with each member once" },
  identityUnknown: { status: 404, code: "IdentityUnknown", title: "There is no identity of this name" },
  otherIdentity: {
    status: 403,
    code: "OtherIdentity",
    title: "This socket is for another identity",
    detail: "Cannot show this identity: must be asked for at a socket of its own, this one is for another",
  },
  registeringOff: { status: 403, code: "RegisteringOff", title: "Nothing can be registered here" },
  noOtherToken: { status: 409, code: "NoOtherToken", title: "There is no other token: the refusal stands" },
  defect: { status: 500, code: "Defect", title: "This is a defect of Keyturn" },
} as const satisfies Readonly<Record<string, Problem>>;

/** Why an identity has no token: in the words of its issuer, or of ours about it. */
export function noTokenProblem(error: KeyturnError, retryAfterMs: number): Problem {
  const { code, message: detail } = error;
  // It was unregistered in this moment
  if (code === "Closed") return problems.identityUnknown;
  if (!(error instanceof TryLaterError)) return { status: 403, code, title: "The issuer gives no token", detail };
  const retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return { status: 503, code, title: "There is no token now", detail, retryAfterSeconds };
}

/** Why an identity was not registered, or not ended. */
export function registrationProblem(error: KeyturnError): Problem {
  const { code, message: detail } = error;
  if (error instanceof TryLaterError) {
    return { status: 503, code, title: "It can't be kept now", detail, retryAfterSeconds: 1 };
  }
  if (code === "NameTaken" || code === "InFile") return { status: 409, code, title: "It stands in the file", detail };
  if (code === "RegistrationRefused") return { status: 403, code, title: "It may not be registered", detail };
  return { status: 400, code, title: "The identity can't be used", detail };
}

export const unreadableProblem: UnreadableAnswer = (status) => ({
  type: problemType,
  body: problemJson({ status, ...unreadable[status] }),
});

const unreadable: Readonly<Record<UnreadableStatus, Omit<Problem, "status">>> = {
  400: { code: "HttpInvalid", title: "The request must be one of HTTP/1.1" },
  408: { code: "TooSlow", title: "The request must come in time" },
  413: { code: "HttpInvalid", title: "Chunks must have no long extensions" },
  431: { code: "HeaderTooLarge", title: "There must be fewer and shorter header lines" },
};
