import type { ServerResponse } from "node:http";
import { sendText } from "./answer.ts";

/** What went wrong, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  /** Stable, for programs: `AudienceUnknown`. */
  readonly code: string;
  /** What holds for every problem with this code. */
  readonly title: string;
  /** What is wrong with this request. Never with key or token material. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
  /** The methods that would do, of 405 (RFC 9110 §15.5.6). */
  readonly allow?: readonly string[];
}

export const problemType = "application/problem+json";

/** RFC 9457 §3.1: `type` is about:blank, since `code` says it all. */
export const problemJson = ({ status, code, title, detail }: Problem): string =>
  `${JSON.stringify({ type: "about:blank", title, status, code, ...(detail !== undefined && { detail }) })}\n`;

/** `application/problem+json` (RFC 9457 §3). */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const { status, retryAfterSeconds, allow } = problem;
  const retry = retryAfterSeconds === undefined ? [] : ["retry-after", String(retryAfterSeconds)];
  const methods = allow === undefined ? [] : ["allow", allow.join(", ")];
  sendText(response, {
    status,
    type: problemType,
    body: problemJson(problem),
    headers: ["cache-control", "no-store", ...retry, ...methods],
  });
}
