import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";

/** Of which answer a piece is, which one, and of how many: a random number of 8 bytes, then twice two bytes. */
const headBytes = 12;
/** No answer is longer than so many pieces. */
const mostPieces = 256;

/** An answer in messages that a server takes. */
export function answerInPieces(answer: Uint8Array, limit: number): readonly Uint8Array[] {
  const size = limit - headBytes;
  const count = Math.max(1, Math.ceil(answer.byteLength / size));
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, at) => {
    const head = Buffer.alloc(headBytes);
    id.copy(head);
    head.writeUInt16BE(at, 8);
    head.writeUInt16BE(count, 10);
    return Buffer.concat([head, answer.subarray(at * size, (at + 1) * size)]);
  });
}

/** Puts pieces together, of several answers at once: each comes in order, or not at all. */
export class PieceReader {
  readonly #begun = new Map<string, Uint8Array[]>();

  /** The answer that is whole with this piece. */
  read(piece: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (bytes.byteLength < headBytes) return undefined;
    const [id, at, count] = [bytes.toString("hex", 0, 8), bytes.readUInt16BE(8), bytes.readUInt16BE(10)];
    const body = bytes.subarray(headBytes);
    if (count === 1) return body;
    const parts = at === 0 ? [] : this.#begun.get(id);
    if (parts?.length !== at || count > mostPieces) return undefined;
    parts.push(body);
    this.#begun.set(id, parts);
    if (parts.length < count) return undefined;
    this.#begun.delete(id);
    return Buffer.concat(parts);
  }
}
