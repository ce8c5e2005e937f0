import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/ring/**/*.test.ts", "test/property/**/*.test.ts"],
    setupFiles: ["hack/mutate/setup.ts"],
    testTimeout: 60_000,
  },
});
