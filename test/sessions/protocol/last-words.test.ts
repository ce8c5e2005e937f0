import { expect, it } from "vitest";
import { final, retryable } from "../../../src/sessions/core/session-end.ts";
import { LastWords } from "../../../src/sessions/protocol/last-words.ts";

it("LastWords writes an end once for all that end in the same way, and what was drawn by chance each time", () => {
  const written: string[] = [];
  const words = new LastWords(({ closing }) => {
    written.push(`${closing.code} ${closing.retry} ${closing.afterMs}`);
    return written.length;
  });
  const ends = [retryable("Revoked"), retryable("Revoked"), final("Revoked"), retryable("Expired"), final("Revoked")];
  expect(ends.map((end) => words.of(end))).toEqual([1, 1, 2, 3, 2]);
  expect([words.of(retryable("TooMany", 1000)), words.of(retryable("TooMany", 1000))]).toEqual([4, 5]);
  expect(words.of(retryable("TooMany", 2000))).toBe(6);
  expect(written.slice(1, 4)).toEqual(["Revoked false 0", "Expired true 0", "TooMany true 1000"]);
});
