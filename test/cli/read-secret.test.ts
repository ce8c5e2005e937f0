import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { readSecret } from "../../src/cli/read-secret.ts";

interface Typed {
  readonly secret: string;
  readonly shown: string;
  /** Whether the terminal was told to show nothing of it, and then to go on as before. */
  readonly raw: readonly boolean[];
}

/** What somebody types, and what is shown meanwhile. */
async function typed(text: string, isTTY = true): Promise<Typed> {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: (mode: boolean) => void raw.push(mode) });
  let shown = "";
  const secret = readSecret({ input, prompt: { write: (part: string) => (shown += part) } });
  input.end(text);
  return { secret: await secret, shown, raw };
}

describe("readSecret", () => {
  test("on a terminal asks twice, and shows nothing of it", async () => {
    expect(await typed("correct horse battery\rcorrect horse battery\r")).toEqual({
      secret: "correct horse battery",
      shown: "Secret: \nOnce more: \n",
      raw: [true, false],
    });
  });

  test("refuses what was not typed the same twice", async () => {
    await expect(typed("correct horse battery\rcorrect house battery\r")).rejects.toThrow(
      "must be typed the same twice",
    );
  });

  test.each([
    ["Ctrl-C", "correct\u0003"],
    ["Ctrl-D", "\u0004"],
    ["the end of the terminal", "correct horse"],
  ])("ends without a secret at %s", async (_, text) => {
    await expect(typed(text)).rejects.toThrow("must be typed to its end");
  });

  test("elsewhere is all that comes, and asks nobody", async () => {
    expect(await typed("from a pipe\n", false)).toEqual({ secret: "from a pipe\n", shown: "", raw: [] });
  });
});
