import { expect, test } from "vitest";
import { keyedTag } from "../../hack/docker/images.ts";

test("keyedTag is the same for the same recipe", () => {
  expect(keyedTag("node", "a", "b")).toBe(keyedTag("node", "a", Buffer.from("b")));
  expect(keyedTag("keyturn-test/node", "a")).toMatch(/^keyturn-test\/node:[0-9a-f]{16}$/);
});

test("keyedTag is another when a part changes, moves, or ends elsewhere", () => {
  const tags = [["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], []].map((parts) => keyedTag("node", ...parts));
  expect(new Set(tags).size).toBe(tags.length);
});
