/** No event is longer: an object is at most about 1.5 MiB in etcd, and may double in JSON. */
const longestLineBytes = 16 * 1024 * 1024;

const newline = 0x0a;

/**
 * The lines of a stream of bytes, without empty ones and without the rest after the last newline, which was cut off. A
 * character may lie across two chunks: bytes become text by the line.
 *
 * @throws RangeError for a line above 16 MiB
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, to)]).toString("utf8");
      parts = [];
      bytes = 0;
      from = to + 1;
      if (line.trim() !== "") yield line;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > longestLineBytes) throw new RangeError("Cannot read a line: must be at most 16 MiB");
  }
}
