import { describe, expect, test } from "vitest";
import { screenOf } from "../../src/cli/terminal.ts";

const stream = (isTTY: boolean, columns?: number) => ({
  isTTY,
  write: () => true,
  ...(columns !== undefined && { columns }),
});

type Env = Readonly<Record<string, string>>;

const lookOf = (isTTY: boolean, env: Env) => {
  const { colour, unicode, live } = screenOf(stream(isTTY, 100), env);
  return { colour, unicode, live };
};

describe("screenOf", () => {
  const cases: readonly (readonly [what: string, where: readonly [isTTY: boolean, env: Env], look: object])[] = [
    ["a terminal", [true, {}], { colour: true, unicode: true, live: true }],
    ["a pipe", [false, {}], { colour: false, unicode: false, live: false }],
    ["NO_COLOR", [true, { NO_COLOR: "1" }], { colour: false, unicode: true, live: true }],
    ["an empty NO_COLOR, which does not count", [true, { NO_COLOR: "" }], { colour: true, unicode: true, live: true }],
    ["FORCE_COLOR on a pipe", [false, { FORCE_COLOR: "1" }], { colour: true, unicode: true, live: false }],
    [
      "FORCE_COLOR over NO_COLOR",
      [true, { FORCE_COLOR: "1", NO_COLOR: "1" }],
      { colour: true, unicode: true, live: true },
    ],
    ["FORCE_COLOR=0", [true, { FORCE_COLOR: "0" }], { colour: false, unicode: true, live: true }],
    ["a dumb terminal", [true, { TERM: "dumb" }], { colour: false, unicode: false, live: false }],
    ["a locale without UTF-8", [true, { LC_ALL: "C" }], { colour: true, unicode: false, live: true }],
    ["a locale with it", [true, { LANG: "de_DE.UTF-8" }], { colour: true, unicode: true, live: true }],
    ["LC_ALL over LANG", [true, { LC_ALL: "C.utf8", LANG: "C" }], { colour: true, unicode: true, live: true }],
  ];

  test.each(cases)("knows what can be shown: %s", (_, [isTTY, env], look) => {
    expect(lookOf(isTTY, env)).toEqual(look);
  });

  test.each([
    [undefined, {}, 100],
    [undefined, { COLUMNS: "120" }, 120],
    [undefined, { COLUMNS: "wide" }, 100],
    [132, { COLUMNS: "120" }, 132],
    [40, {}, 40],
    [10, {}, 20],
    [500, {}, 200],
  ])("is as wide as the terminal, within bounds: %s %j is %i", (columns, env, width) => {
    expect(screenOf(stream(true, columns), env).columns).toBe(width);
  });

  test("follows a terminal that changes its width", () => {
    const terminal = { isTTY: true, write: () => true, columns: 100 };
    const screen = screenOf(terminal, {});
    terminal.columns = 80;
    expect(screen.columns).toBe(80);
  });
});
