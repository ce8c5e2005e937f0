import type { FastifyError, FastifyReply } from "fastify";
import type { UnreadableAnswer, UnreadableStatus } from "../../http/unreadable.ts";
import { RuleError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { Denial } from "../tokens/denial.ts";

interface ErrorAnswer {
  readonly status: number;
  /** RFC 6749 §5.2, RFC 6750 §3.1, or one in their style. */
  readonly error: string;
  /** Stable: the check that failed. */
  readonly code: string;
  /** For people; nothing secret. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request: an answer in the form of RFC 6749 §5.2, with a code that tells more, for programs. */
export class AnswerError extends Error {
  readonly answer: ErrorAnswer;

  constructor(answer: ErrorAnswer) {
    super(answer.message);
    this.answer = answer;
  }
}

/** A request at fault: 400. */
export const badRequest = (code: string, message: string): AnswerError =>
  new AnswerError({ status: 400, error: "invalid_request", code, message });

const bothSchemes = { "www-authenticate": 'Basic realm="keyturn", Bearer realm="keyturn"' };

/** 401, with the schemes that are meant. */
export const unauthorized = (
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = bothSchemes,
): AnswerError => new AnswerError({ status: 401, error: "invalid_client", code, message, headers });

/** 403: who asks is known, and may not do that. */
export const forbidden = (code: string, message: string): AnswerError =>
  new AnswerError({ status: 403, error: "unauthorized_client", code, message });

/** `invalid_client` and `invalid_token` ask for other credentials, with the scheme that is meant (RFC 6749 §5.2, RFC 6750 §3). */
const challenges: Readonly<Record<string, string>> = {
  invalid_client: 'Basic realm="keyturn"',
  invalid_token: 'Bearer realm="keyturn", error="invalid_token"',
};

const statuses: Readonly<Record<string, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  temporarily_unavailable: 503,
};

/** A refusal of the rules as an answer. */
export function errorOfDenial({ error, code, message }: Denial): AnswerError {
  const challenge = challenges[error];
  const headers = {
    ...(challenge !== undefined && { "www-authenticate": challenge }),
    ...(error === "temporarily_unavailable" && retrySoon),
  };
  return new AnswerError({ status: statuses[error] ?? 400, error, code, message, headers });
}

const retrySoon = { "retry-after": "1" };

/** 503: every token stays as good as it was, and the same request may work later. */
export const tryLater = (code: string, message: string): AnswerError =>
  new AnswerError({ status: 503, error: "temporarily_unavailable", code, message, headers: retrySoon });

/** Any error as an answer; what nobody foresaw says nothing of itself. */
export function answerOfError(error: unknown): ErrorAnswer {
  if (error instanceof AnswerError) return error.answer;
  if (error instanceof TryLaterError) return tryLater(error.code, "Cannot answer now: try again").answer;
  if (error instanceof RuleError) return badRequest(error.code, error.message).answer;
  if (isFastifyError(error)) {
    if (error.validation !== undefined) return badRequest("RequestInvalid", whatIsWrong(error.validation)).answer;
    const { statusCode = 500, code } = error;
    if (statusCode < 500) {
      const message = code === "FST_ERR_BAD_URL" ? "The path must be one that can be decoded" : error.message;
      return { status: statusCode, error: "invalid_request", code: codes[code] ?? "RequestInvalid", message };
    }
  }
  const message = "Cannot answer: a mistake of the server's own, see its log";
  return { status: 500, error: "server_error", code: "Internal", message };
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && "code" in error && typeof error.code === "string" && "statusCode" in error;

/** Without the value: it may be a token. */
function whatIsWrong([first]: NonNullable<FastifyError["validation"]>): string {
  const where = first?.instancePath.replaceAll("/", ".").slice(1) ?? "";
  const isUnknown = first?.keyword === "additionalProperties";
  const what = isUnknown ? "must have the documented members alone" : (first?.message ?? "is wrong");
  return `${where === "" ? "The request" : where} ${what}`;
}

/** Fastify's own. */
const codes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BodyTooLarge",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MediaTypeUnknown",
  FST_ERR_CTP_EMPTY_TYPE: "MediaTypeUnknown",
  FST_ERR_BAD_URL: "UrlInvalid",
};

/** `{error, error_description, code}`: clients of the JSON contract read the first and the last, OAuth's the first two. */
function bodyOf({ error, code, message }: Omit<ErrorAnswer, "status">): object {
  // RFC 6749 §5.2: printable ASCII without quotes and backslashes
  const description = message.replaceAll('"', "'").replaceAll(/[^\x20-\x7e]|\\/g, "?");
  return { error, error_description: description, code };
}

export function sendError(answer: ErrorAnswer, reply: FastifyReply): void {
  void reply
    .code(answer.status)
    .headers({ "cache-control": "no-store", ...answer.headers })
    .type("application/json")
    .send(bodyOf(answer));
}

/** In the same form, for what never becomes a request. */
export const unreadableError: UnreadableAnswer = (status) => ({
  type: "application/json",
  body: JSON.stringify(bodyOf({ error: "invalid_request", ...unreadable[status] })),
});

const unreadable: Readonly<Record<UnreadableStatus, Pick<ErrorAnswer, "code" | "message">>> = {
  400: { code: "HttpInvalid", message: "Must be a request of HTTP/1.1" },
  408: { code: "TooSlow", message: "Must send the request in time" },
  413: { code: "HttpInvalid", message: "Must have chunks without long extensions" },
  431: { code: "HeaderTooLarge", message: "Must have fewer and shorter header lines" },
};
