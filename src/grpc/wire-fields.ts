// The wire format of protobuf, as much of it as needs no description of the messages.
// See https://protobuf.dev/programming-guides/encoding

/** Bytes are no message, or a field is not what it should be. Says nothing of them. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** The fields of a message that have a length, texts and messages within, one after the other. Numbers are passed over, and nothing is copied. */
export class WireFields {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  /** The number of the field that was read last. */
  id = 0;
  /** Where its value begins. */
  from = 0;
  /** Where its value ends, exclusive. */
  to = 0;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  /** Goes to the next one; false where there is none. @throws WireError */
  next(): boolean {
    while (this.#at < this.#end) {
      const tag = this.#number();
      this.id = Math.floor(tag / 8);
      if (this.id === 0) throw new WireError();
      switch (tag % 8) {
        case 0:
          this.#number();
          break;
        case 1:
          this.#skip(8);
          break;
        case 2: {
          const length = this.#number();
          this.from = this.#at;
          this.#skip(length);
          this.to = this.#at;
          return true;
        }
        case 5:
          this.#skip(4);
          break;
        default:
          // Groups, which nothing has had since proto3
          throw new WireError();
      }
    }
    return false;
  }

  /** The field as a message. */
  within(): WireFields {
    return new WireFields(this.#bytes, this.from, this.to);
  }

  /** The field as a text. */
  text(encoding: "utf8" | "latin1" = "utf8"): string {
    return this.#bytes.toString(encoding, this.from, this.to);
  }

  #skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#end) throw new WireError();
  }

  /** Above 2⁵³ it is not exact: no tag and no length that can be met is so large. */
  #number(): number {
    let value = 0;
    for (let factor = 1, count = 0; count < longestNumber; count++, factor *= 128) {
      if (this.#at >= this.#end) break;
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new WireError();
  }
}

/** In bytes: 64 bits, of which each byte has seven. */
const longestNumber = 10;

// Messages are written as text in which each character is a byte: that is put together faster than buffers are.

/** A text of ASCII alone, or a message, as a field. */
export const lengthField = (id: number, value: string): string =>
  String.fromCharCode(id * 8 + 2) + numberText(value.length) + value;

/** A number that is not negative, or a truth value, as a field. */
export const numberField = (id: number, value: number): string => String.fromCharCode(id * 8) + numberText(value);

const numberText = (value: number): string =>
  value < 128 ? String.fromCharCode(value) : String.fromCharCode((value & 127) | 128) + numberText(value >>> 7);
