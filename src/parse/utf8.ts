import { isUtf8 } from "node:buffer";

/** What decoders put in the place of bytes that are no UTF-8: the only trace that those leave. */
const replacement = "\ufffd";

/** The text that the bytes stand for; undefined when they are no UTF-8 (RFC 3629). */
export function utf8Text(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  // A text may hold one of its own
  return text.includes(replacement) && !isUtf8(bytes) ? undefined : text;
}
