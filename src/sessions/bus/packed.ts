import { Buffer } from "node:buffer";
import { jsonIn } from "../../parse/json.ts";
import { itemsOf, type Members, membersOf } from "../../parse/object.ts";

/** JSON, and bytes beside it that it would make a third longer. */
export interface Unpacked {
  readonly head: Members;
  readonly parts: readonly Uint8Array[];
}

/** The length of the head in four bytes, the head, and the parts one after the other. */
export function packed(head: object, parts: readonly Uint8Array[] = []): Uint8Array {
  const text = Buffer.from(JSON.stringify({ ...head, sizes: parts.map(({ byteLength }) => byteLength) }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.byteLength);
  return Buffer.concat([length, text, ...parts]);
}

/** Undefined for bytes that were not packed like this. */
export function unpacked(bytes: Uint8Array): Unpacked | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.byteLength < 4) return undefined;
  const headEnd = 4 + all.readUInt32BE(0);
  if (headEnd > all.byteLength) return undefined;
  const head = membersOf(jsonIn(all.toString("utf8", 4, headEnd)));
  const parts: Uint8Array[] = [];
  let at = headEnd;
  for (const size of itemsOf(head["sizes"])) {
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0) return undefined;
    parts.push(all.subarray(at, at + size));
    at += size;
  }
  return at === all.byteLength ? { head, parts } : undefined;
}
