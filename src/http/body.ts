import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Problem } from "./problem.ts";

/** The text of a request's body, or why there is none. A body that goes on and on is not read on. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string | Problem> {
  const tooLarge: Problem = { status: 413, code: "BodyTooLarge", title: `The body may measure ${limit} bytes` };
  if (Number(request.headers["content-length"] ?? 0) > limit) return tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Left open: an answer is still to go out on it
    const parts: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
    for await (const part of parts) {
      size += part.length;
      if (size > limit) return tooLarge;
      chunks.push(part);
    }
  } catch {
    return { status: 400, code: "BodyBroken", title: "The body must come whole" };
  }
  const bytes = Buffer.concat(chunks);
  return isUtf8(bytes) ? bytes.toString("utf8") : { status: 400, code: "BodyNotUtf8", title: "The body must be UTF-8" };
}
