import { defineConfig } from "vitest/config";

const minutes = 60_000;

/** Folders of test/ that are suites of their own (hack/suites.ts); every other test is a unit test. */
const suites = [
  "architecture",
  "bench",
  "binary",
  "chart",
  "e2e",
  "integration",
  "model",
  "property",
  "soak",
  "sql",
  "issuer/store",
];

function folder(name: string): string[] {
  return [`test/${name}/**/*.test.ts`];
}

export default defineConfig({
  test: {
    allowOnly: !process.env["CI"],
    environment: "node",
    restoreMocks: true,
    // Whatever program a test starts, nothing secret may be in what it writes
    setupFiles: "test/support/secrecy/setup.ts",
    // A hang is caught all the same; a busy machine is no failure
    testTimeout: minutes,
    hookTimeout: minutes,
    expect: { poll: { timeout: minutes, interval: 20 } },
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: suites.map((name) => `test/${name}{/**,.test.ts}`),
        },
      },
      {
        extends: true,
        test: { name: "architecture", include: ["test/architecture.test.ts", ...folder("architecture")] },
      },
      { extends: true, test: { name: "property", include: folder("property"), testTimeout: 5 * minutes } },
      {
        extends: true,
        test: {
          name: "store",
          include: [...folder("sql"), ...folder("issuer/store")],
          globalSetup: "test/sql/support/global.ts",
        },
      },
      { extends: true, test: { name: "model", include: folder("model"), testTimeout: 15 * minutes } },
      {
        extends: true,
        // Each file starts processes of its own and measures time: one at a time on a small machine
        test: { name: "binary", include: folder("binary"), testTimeout: 10 * minutes, fileParallelism: false },
      },
      {
        extends: true,
        // Most of the time goes to waiting for the API server that all files share
        test: {
          name: "integration",
          include: folder("integration"),
          exclude: folder("integration/chart"),
          globalSetup: "test/integration/support/global.ts",
          testTimeout: 5 * minutes,
        },
      },
      {
        extends: true,
        test: { name: "chart", include: folder("chart"), globalSetup: "test/chart/support/global.ts" },
      },
      {
        extends: true,
        // A cluster of its own: a release has objects that a cluster has once, so one file at a time
        test: {
          name: "install",
          include: folder("integration/chart"),
          globalSetup: ["test/chart/support/global.ts", "test/integration/chart/support/global.ts"],
          testTimeout: 5 * minutes,
          fileParallelism: false,
        },
      },
      { extends: true, test: { name: "soak", include: folder("soak"), testTimeout: 20 * minutes } },
      {
        extends: true,
        // One story; most of the time goes to waiting for keys and tokens to end
        test: { name: "e2e", include: folder("e2e"), testTimeout: 10 * minutes, hookTimeout: 15 * minutes },
      },
    ],
  },
});
