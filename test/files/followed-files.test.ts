import { describe, expect, test } from "vitest";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { FollowedFiles, type FollowedOptions } from "../../src/files/followed-files.ts";
import { FakeClock } from "../support/fake-clock.ts";

type Options = FollowedOptions<string>;

/** Files that exist nowhere, and what is told of them. */
function followed(read: Options["read"], more: Partial<Options> = {}) {
  const clock = new FakeClock();
  const taken: string[] = [];
  const told: (string | undefined)[] = [];
  const options: Options = {
    what: "the list",
    read,
    filesOf: () => ["/nowhere/at-all"],
    isSame: (one, another) => one === another,
    take: (value) => taken.push(value),
    tell: (refused) => told.push(refused?.message),
    clock,
    ...more,
  };
  return { clock, taken, told, open: () => FollowedFiles.open(options) };
}

describe("FollowedFiles", () => {
  test("sees a change after ten seconds where no directory can be watched", async () => {
    let text = "one";
    const { clock, taken, open } = followed(() => Promise.resolve(text));
    const files = await open();
    const stop = new AbortController();
    const ended = files.run(stop.signal);
    text = "two";
    await clock.advance(9999);
    expect(taken).toEqual(["one"]);
    await clock.advance(1);
    expect(taken).toEqual(["one", "two"]);
    stop.abort();
    await ended;
  });

  test("takes looks in their order, however long one of them takes", async () => {
    const slow = Promise.withResolvers<string>();
    const texts = [Promise.resolve("one"), slow.promise, Promise.resolve("three")];
    const { taken, open } = followed(() => texts.shift() ?? Promise.resolve("three"));
    const files = await open();
    const both = Promise.all([files.reload(), files.reload()]);
    slow.resolve("two");
    await both;
    expect(taken).toEqual(["one", "two", "three"]);
    expect(files.current).toBe("three");
  });

  test("keeps the one before where the new one can't be taken, and tries it again", async () => {
    let isBad = true;
    const { told, open } = followed(() => Promise.resolve(isBad ? "two" : "one"), {
      take: (value) => {
        if (value === "two") throw new ChangeNeededError("Bad", "Cannot take two");
      },
    });
    isBad = false;
    const files = await open();
    isBad = true;
    for (let n = 0; n < 2; n++) await files.reload();
    expect([files.current, files.refused?.code]).toEqual(["one", "Bad"]);
    isBad = false;
    await files.reload();
    expect(files.refused).toBeUndefined();
    expect(told).toEqual(["Cannot take two", undefined]);
  });

  test("calls what is no error of ours a defect, and shows nothing of it", async () => {
    let isBroken = false;
    const { told, open } = followed(() => (isBroken ? Promise.reject(new Error("secret")) : Promise.resolve("one")));
    const files = await open();
    isBroken = true;
    await files.reload();
    expect(told).toEqual(["Cannot read the list: this is a defect of Keyturn"]);
  });
});
