import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { pathOf } from "../../http/answer.ts";
import type { Log } from "../../telemetry/log.ts";
import { answerOfError, AnswerError, sendError } from "./api-error.ts";

/** One request, answered: for metrics. */
export interface Answered {
  /** The path as the API names it; `none` for any other. */
  readonly route: string;
  readonly status: number;
  /** Of the error; `ok` for none. */
  readonly code: string;
  /** Until it was sent; absent for a stream, which lasts. */
  readonly seconds?: number;
}

interface ErrorAnswersOptions {
  readonly log: Log;
  /** Must not throw. @default nobody hears of it */
  readonly onAnswered?: (answered: Answered) => void;
}

/** Errors in one form, wherever they come from; and every answer told. */
export class ErrorAnswers {
  readonly #options: ErrorAnswersOptions;
  readonly #codes = new WeakMap<FastifyRequest, string>();

  constructor(options: ErrorAnswersOptions) {
    this.#options = options;
  }

  /** Before there is a route: for `frameworkErrors`. */
  readonly early = (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, code } = this.#refuse(error, request, reply);
    // No hook runs for it
    this.#options.onAnswered?.({ route: "none", status, code });
  };

  add(api: FastifyInstance): void {
    const methods = rememberMethods(api);
    api.addHook("onResponse", (request, reply, done) => {
      const isStream = String(reply.getHeader("content-type")).startsWith("text/event-stream");
      this.#options.onAnswered?.({
        route: request.routeOptions.url ?? "none",
        status: reply.statusCode,
        code: this.#codes.get(request) ?? "ok",
        ...(!isStream && { seconds: reply.elapsedTime / 1000 }),
      });
      done();
    });
    const notFound = (request: FastifyRequest, reply: FastifyReply): void => {
      const allow = [...(methods.get(pathOf(request.url)) ?? [])].join(", ");
      const message = allow === "" ? "Must be a path of the API: see /openapi.json" : `Must be ${allow}`;
      const what = allow === "" ? { status: 404, code: "NotFound" } : { status: 405, code: "MethodNotAllowed" };
      this.#codes.set(request, what.code);
      sendError({ ...what, error: "invalid_request", message, ...(allow !== "" && { headers: { allow } }) }, reply);
    };
    api.setErrorHandler((error, request, reply) => {
      // Where nobody takes a request, what its body is or lacks is no matter
      if (request.is404 && !(error instanceof AnswerError)) notFound(request, reply);
      else this.#refuse(error, request, reply);
    });
    api.setNotFoundHandler(notFound);
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): ReturnType<typeof answerOfError> {
    const answer = answerOfError(error);
    this.#codes.set(request, answer.code);
    const fields = { status: answer.status, code: answer.code, route: request.routeOptions.url ?? "none" };
    if (answer.status === 500) this.#options.log.error({ ...fields, err: error }, "a request failed");
    else this.#options.log.debug(fields, "a request is refused");
    sendError(answer, reply);
    return answer;
  }
}

/** Which methods a path has: for whoever comes with another one. */
function rememberMethods(api: FastifyInstance): ReadonlyMap<string, ReadonlySet<string>> {
  const methods = new Map<string, Set<string>>();
  api.addHook("onRoute", ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    for (const one of [method].flat()) known.add(one);
    methods.set(url, known);
  });
  return methods;
}
