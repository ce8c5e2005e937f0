/** Where a suite runs. */
export interface Stage {
  /** True for a suite that has the terminal to itself: what it starts writes there. */
  readonly isTerminal: boolean;
  /** True for a suite that only computes, beside others that look at the time. */
  readonly isYielding: boolean;
  /** For people. */
  readonly say: (text: string) => void;
  /** Takes the name of a test that failed, at once. */
  readonly fail: (test: string) => void;
}

/** Of a suite that runs by itself. Vitest itself says there what failed. */
export const terminal: Stage = {
  isTerminal: true,
  isYielding: false,
  say: (text) => console.log(text),
  fail: () => undefined,
};

/** Of a suite that runs beside others: but for the tests that fail, its output comes out whole, by `show`. */
export function besideOthers(name: string, isYielding: boolean): Stage & { readonly show: () => void } {
  const said: string[] = [];
  return {
    isTerminal: false,
    isYielding,
    say: (text) => void said.push(text),
    fail: (test) => console.log(`✗ ${name}: ${test}`),
    show: () => console.log(said.splice(0).join("\n")),
  };
}
