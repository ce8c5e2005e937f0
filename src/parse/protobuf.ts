import { isObject, type Members } from "./object.ts";

/** Messages and their fields, in the form of protobuf.js. Of the kinds of fields those alone that our protocols have: no lists, nothing negative. */
export type WireMessages = Readonly<
  Record<string, { readonly fields: Readonly<Record<string, { readonly type: string; readonly id: number }>> }>
>;

interface KnownField {
  readonly name: string;
  readonly type: string;
  /** Its number, and how its value stands on the wire. */
  readonly tag: number;
  /** Where it is a message itself. */
  readonly message: ProtobufMessage | undefined;
}

/** What is to be written of a field: its tag, its value or its length, and what then follows. */
interface FieldPart {
  readonly tag: number;
  number: number;
  readonly bytes?: Uint8Array;
}

/** How values stand on the wire (https://protobuf.dev/programming-guides/encoding/#structure). */
const wire = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;
const numbers: ReadonlySet<string> = new Set(["bool", "uint32", "int64"]);
const utf8 = new TextEncoder();
/** A byte order mark is a character of a text here. */
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** A message in protobuf's binary form, read and written by its description. */
export class ProtobufMessage {
  readonly #fields: readonly KnownField[];
  readonly #byTag: ReadonlyMap<number, KnownField>;
  readonly #ids: ReadonlySet<number>;

  /** @param name - Which of the messages */
  constructor(messages: WireMessages, name: string) {
    this.#fields = Object.entries(messages[name]?.fields ?? {}).map(([field, { type, id }]) => ({
      ...{ name: field, type, tag: id * 8 + (numbers.has(type) ? wire.varint : wire.bytes) },
      message: messages[type] && new ProtobufMessage(messages, type),
    }));
    this.#byTag = new Map(this.#fields.map((field) => [field.tag, field]));
    this.#ids = new Set(this.#fields.map(({ tag }) => tag >>> 3));
  }

  /**
   * A field that has no value, or the one that every field has by itself, is left out.
   *
   * @param before - So many bytes are left free before it
   */
  write(value: Members, before = 0): Uint8Array {
    const parts: FieldPart[] = [];
    const all = new Uint8Array(before + this.#measure(value, parts));
    let at = before;
    for (const { tag, number, bytes } of parts) {
      at = writeVarint(all, writeVarint(all, at, tag), number);
      if (bytes === undefined) continue;
      all.set(bytes, at);
      at += bytes.byteLength;
    }
    return all;
  }

  /** Adds what is to be written, and says how many bytes that will be. */
  #measure(value: Members, parts: FieldPart[]): number {
    let size = 0;
    for (const { name, tag, message } of this.#fields) {
      const member = value[name];
      if (message !== undefined && isObject(member)) {
        const part: FieldPart = { tag, number: 0 };
        parts.push(part);
        part.number = message.#measure(member, parts);
        size += varintSize(tag) + varintSize(part.number) + part.number;
        continue;
      }
      const part = partOf(tag, member);
      if (part === undefined) continue;
      parts.push(part);
      size += varintSize(tag) + varintSize(part.number) + (part.bytes?.byteLength ?? 0);
    }
    return size;
  }

  /** What it says; fields of newer messages are passed over. Undefined for what is no such message. Bytes are a copy: they keep nothing else in memory. */
  read(bytes: Uint8Array): Members | undefined {
    const reader = new WireReader(bytes);
    const value: Record<string, unknown> = {};
    while (!reader.isAtEnd) {
      const tag = reader.varint();
      const raw = reader.value(tag % 8);
      if (raw === undefined) return undefined;
      const field = this.#byTag.get(tag);
      if (field === undefined) {
        if (this.#ids.has(Math.floor(tag / 8))) return undefined;
        continue;
      }
      const member = typeof raw === "number" ? (field.type === "bool" ? raw !== 0 : raw) : bytesAs(field, raw);
      if (member === undefined) return undefined;
      value[field.name] = member;
    }
    return value;
  }
}

function partOf(tag: number, member: unknown): FieldPart | undefined {
  if (typeof member === "number" || typeof member === "boolean")
    return Number(member) > 0 ? { tag, number: Number(member) } : undefined;
  const bytes = typeof member === "string" ? utf8.encode(member) : member;
  if (!(bytes instanceof Uint8Array) || bytes.byteLength === 0) return undefined;
  return { tag, number: bytes.byteLength, bytes };
}

function bytesAs({ type, message }: KnownField, raw: Uint8Array): unknown {
  if (message !== undefined) return message.read(raw);
  return type === "string" ? text.decode(raw) : new Uint8Array(raw);
}

/** Seven bits a byte, the lowest first. */
function writeVarint(all: Uint8Array, at: number, value: number): number {
  let [place, rest] = [at, value];
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) all[place++] = (rest % 0x80) | 0x80;
  all[place++] = rest;
  return place;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  /** Beyond 2⁵³ not exact: no number of the protocol is. NaN where the bytes end too soon, or it has no end. */
  varint(): number {
    let value = 0;
    for (let place = 1; place < longestVarint; place *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return NaN;
      value += (byte & 0x7f) * place;
      if (byte < 0x80) return value;
    }
    return NaN;
  }

  /** Undefined where it is none. Fixed lengths, which the protocol has not, are passed over as bytes. */
  value(kind: number): number | Uint8Array | undefined {
    if (kind === wire.varint) {
      const value = this.varint();
      return Number.isNaN(value) ? undefined : value;
    }
    const length =
      kind === wire.bytes ? this.varint() : kind === wire.bits64 ? 8 : kind === wire.bits32 ? 4 : undefined;
    if (length === undefined || !(this.#at + length <= this.#bytes.byteLength)) return undefined;
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }
}

/** Ten bytes: 64 bits, of which each has seven. */
const longestVarint = 2 ** 70;
