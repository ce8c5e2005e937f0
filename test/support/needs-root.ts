import type { TestContext } from "vitest";

/** For `beforeEach`, or first in a test: skips it, with the reason, where whoever runs it is not root. */
export function needsRoot(context: TestContext): void {
  if (process.geteuid?.() !== 0) context.skip("needs root");
}
