import { expect, test } from "vitest";
import { timeoutIn } from "../../src/grpc/grpc-timeout.ts";

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["40m", 40],
  ["5000u", 5],
  ["99999999H", 359_999_996_400_000],
  ["0S", 0],
])("a time of %s is read", (value, ms) => {
  expect(timeoutIn(value)).toBe(ms);
});

test.each([undefined, "", "1", "S", "1s", "-1S", "1.5S", "123456789S", "1S ", ["1S", "2S"]])(
  "%j is no time",
  (value) => {
    expect(timeoutIn(value)).toBeUndefined();
  },
);
