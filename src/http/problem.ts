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
}

/** `application/problem+json` (RFC 9457 §3): `type` is about:blank, since `code` says it all. */
export function sendProblem(
  response: ServerResponse,
  { status, code, title, detail, retryAfterSeconds }: Problem,
): void {
  const body = JSON.stringify({ type: "about:blank", title, status, code, ...(detail !== undefined && { detail }) });
  const retry = retryAfterSeconds === undefined ? [] : ["retry-after", String(retryAfterSeconds)];
  sendText(response, {
    status,
    type: "application/problem+json",
    body: `${body}\n`,
    headers: ["cache-control", "no-store", ...retry],
  });
}
