import { expect, test } from "vitest";
import { SingleUse } from "../../../src/issuer/callers/single-use.ts";

const one = { issuer: "a", jti: "1", untilMs: 100 };

test("SingleUse.use lets a token through once until it ends", () => {
  const used = new SingleUse();
  expect([used.use(one, 0), used.use(one, 99), used.use(one, 100)]).toEqual(["first", "used", "first"]);
});

test("SingleUse.use tells issuers apart, whatever their names are made of", () => {
  const used = new SingleUse();
  expect(used.use({ ...one, issuer: 'a","1', jti: "x" }, 0)).toBe("first");
  expect(used.use({ ...one, issuer: "a", jti: '1","x' }, 0)).toBe("first");
  expect(used.use({ ...one, issuer: "b" }, 0)).toBe("first");
});

test("SingleUse.use forgets nothing while it is full, and what has ended to make room", () => {
  const used = new SingleUse(2);
  used.use(one, 0);
  used.use({ ...one, jti: "2", untilMs: 200 }, 0);
  expect(used.use({ ...one, jti: "3" }, 99)).toBe("full");
  expect(used.use(one, 99)).toBe("used");
  expect(used.use({ ...one, jti: "3", untilMs: 300 }, 100)).toBe("first");
  expect(used.use({ ...one, jti: "2" }, 100)).toBe("used");
});
