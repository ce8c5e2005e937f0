import { isObject, type Members } from "../../parse/object.ts";

/** Messages and their fields, in the form of protobuf.js. Of the kinds of fields those alone that the protocol has: no lists, nothing negative. */
export type WireMessages = Readonly<
  Record<string, { readonly fields: Readonly<Record<string, { readonly type: string; readonly id: number }>> }>
>;

/** Kinds of fields on the wire (https://protobuf.dev/programming-guides/encoding/#structure). */
const wire = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;
const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A message in protobuf's binary form. A field that has no value, or the one that every field has by itself, is left out. */
export function writeProtobuf(messages: WireMessages, name: string, value: Members): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [field, { type, id }] of Object.entries(messages[name]?.fields ?? {})) {
    const member = value[field];
    if (isObject(member) && messages[type]) addBytes(parts, id, writeProtobuf(messages, type, member));
    else if (member instanceof Uint8Array && member.byteLength > 0) addBytes(parts, id, member);
    else if (typeof member === "string" && member !== "") addBytes(parts, id, utf8.encode(member));
    else if ((typeof member === "number" || typeof member === "boolean") && Number(member) > 0)
      parts.push(Uint8Array.from([...varint(id * 8 + wire.varint), ...varint(Number(member))]));
  }
  return joined(parts);
}

function addBytes(parts: Uint8Array[], id: number, bytes: Uint8Array): void {
  parts.push(Uint8Array.from([...varint(id * 8 + wire.bytes), ...varint(bytes.byteLength)]), bytes);
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

interface KnownField {
  readonly field: string;
  readonly type: string;
}

/** Fields by their numbers; made once for each message. */
const byNumber = new WeakMap<object, ReadonlyMap<number, KnownField>>();

function fieldsOf(messages: WireMessages, name: string): ReadonlyMap<number, KnownField> {
  const fields = messages[name]?.fields ?? {};
  const known = byNumber.get(fields);
  if (known) return known;
  const made = new Map(Object.entries(fields).map(([field, { type, id }]) => [id, { field, type }]));
  byNumber.set(fields, made);
  return made;
}

/** What a message says; fields of newer messages are passed over. Undefined for what is no message. */
export function readProtobuf(messages: WireMessages, name: string, bytes: Uint8Array): Members | undefined {
  const fields = fieldsOf(messages, name);
  const reader = new WireReader(bytes);
  const value: Record<string, unknown> = {};
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const raw = reader.value(tag % 8);
    if (raw === undefined) return undefined;
    const known = fields.get(Math.floor(tag / 8));
    if (known === undefined) continue;
    const read = valueOf(messages, known.type, raw);
    if (read === undefined) return undefined;
    value[known.field] = read;
  }
  return value;
}

function valueOf(messages: WireMessages, type: string, raw: number | Uint8Array): unknown {
  if (typeof raw === "number") return type === "bool" ? raw !== 0 : raw;
  if (type === "string") return text.decode(raw);
  return type === "bytes" ? raw : messages[type] && readProtobuf(messages, type, raw);
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

  /** Beyond 2⁵³ not exact: no number of the protocol is. NaN where the bytes end too soon. */
  varint(): number {
    let value = 0;
    for (let place = 1; ; place *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return NaN;
      value += (byte & 0x7f) * place;
      if (byte < 0x80) return value;
    }
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
