import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { UsageError } from "./report-error.ts";

interface SecretSource {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Where a person is asked. */
  readonly prompt: { write(text: string): unknown };
}

/** A secret that a person types twice, unseen; where nobody sits there, all that comes. @throws UsageError when they differ */
export async function readSecret({ input, prompt }: SecretSource): Promise<string> {
  if (input.isTTY !== true) return text(input);
  // Readline would show what it reads
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: true });
  // Ctrl-C, as Ctrl-D
  lines.on("SIGINT", () => lines.close());
  // Keeps a second line that comes with the first
  const typed = lines[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string> => {
    prompt.write(question);
    const { done, value } = await typed.next();
    prompt.write("\n");
    if (done !== true) return value;
    throw new UsageError("Cannot use the secret: must be typed to its end");
  };
  try {
    const secret = await ask("Secret: ");
    if (secret === (await ask("Once more: "))) return secret;
  } finally {
    lines.close();
  }
  throw new UsageError("Cannot use the secret: must be typed the same twice");
}
