import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    // Unit tests alone: a property that fails shrinks its example, which takes longer than a mutant is worth
    include: ["test/ring/**/*.test.ts"],
    setupFiles: ["hack/mutate/setup.ts"],
    testTimeout: 60_000,
  },
});
