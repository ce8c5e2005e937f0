/** One element of DER (X.690 §8.1). */
interface Element {
  readonly tag: number;
  /** With tag and length. */
  readonly bytes: Buffer;
  readonly content: Buffer;
}

const sequence = 0x30;
const integer = 0x02;
/** `[1] publicKey`, which only version 2 has: primitive as RFC 5958 has it, or constructed, as some write it. */
const publicKeys = [0x81, 0xa1];

/**
 * A PKCS#8 key of version 2 as one of version 1: without its public half, which is computed anyway. OpenSSL before 3.2, that of Node.js 22, reads no
 * other. Undefined for what is no key of version 2.
 */
export function asVersion1(der: Buffer): Buffer | undefined {
  const whole = elementAt(der, 0);
  if (whole?.tag !== sequence || whole.bytes.length !== der.length) return undefined;
  const [version, ...rest] = elementsOf(whole.content) ?? [];
  if (version?.tag !== integer || !version.content.equals(Buffer.of(1))) return undefined;
  const kept = rest.filter(({ tag }) => !publicKeys.includes(tag)).map(({ bytes }) => bytes);
  const content = Buffer.concat([Buffer.of(integer, 1, 0), ...kept]);
  return Buffer.concat([Buffer.of(sequence, ...lengthOf(content.length)), content]);
}

function elementsOf(content: Buffer): readonly Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < content.length;) {
    const element = elementAt(content, at);
    if (element === undefined) return undefined;
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

/** Undefined where it does not end within the bytes. A key is shorter than 64 KiB. */
function elementAt(bytes: Buffer, at: number): Element | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const more = first < 0x80 ? 0 : first - 0x80;
  // 0x80 is a length that DER does not have
  if (first === 0x80 || more > 2 || at + 2 + more > bytes.length) return undefined;
  const begin = at + 2 + more;
  const end = begin + (more === 0 ? first : bytes.readUIntBE(at + 2, more));
  if (end > bytes.length) return undefined;
  return { tag, bytes: bytes.subarray(at, end), content: bytes.subarray(begin, end) };
}

const lengthOf = (length: number): readonly number[] => {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
};
