import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { readSecret } from "../../src/cli/read-secret.ts";

/** What somebody types, and what is shown meanwhile. */
async function typed(text: string, isTTY = true): Promise<{ readonly secret: string; readonly shown: string }> {
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: () => undefined });
  let shown = "";
  const secret = readSecret({ input, prompt: { write: (part: string) => (shown += part) } });
  input.end(text);
  return { secret: await secret, shown };
}

describe("readSecret", () => {
  test("on a terminal asks twice, and shows nothing of it", async () => {
    expect(await typed("correct horse battery\rcorrect horse battery\r")).toEqual({
      secret: "correct horse battery",
      shown: "Secret: \nOnce more: \n",
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
    expect(await typed("from a pipe\n", false)).toEqual({ secret: "from a pipe\n", shown: "" });
  });
});
