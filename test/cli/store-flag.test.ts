import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type StoreFlags, storeFlags, storeLocation } from "../../src/cli/store-flag.ts";

beforeEach(() => {
  for (const name of ["KEYTURN_STORE", "KEYTURN_STORE_FILE"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const files: Readonly<Record<string, string>> = {
  "/run/store": "postgres://keyturn:hunter2@db/grants\n",
  "/run/empty": "\n",
  "/run/two": "a\nb\n",
};
const cli = { readFile: (path: string) => Promise.resolve(files[path] ?? "") };

/** The location that a command line names. */
async function locationOf(...args: readonly string[]): Promise<string | undefined> {
  const command = new Command().exitOverride();
  for (const option of storeFlags()) command.addOption(option);
  command.parse([...args], { from: "user" });
  return storeLocation(command.opts<StoreFlags>(), { cli, command });
}

describe("storeLocation", () => {
  test("is what --store says, or the line of --store-file, or nothing", async () => {
    expect(await locationOf("--store", "sqlite:/var/lib/grants.db")).toBe("sqlite:/var/lib/grants.db");
    expect(await locationOf("--store", "postgres://keyturn@db/grants?sslmode=verify-full")).toBe(
      "postgres://keyturn@db/grants?sslmode=verify-full",
    );
    expect(await locationOf("--store-file", "/run/store")).toBe("postgres://keyturn:hunter2@db/grants");
    expect(await locationOf()).toBeUndefined();
  });

  test("may have a password in the environment", async () => {
    vi.stubEnv("KEYTURN_STORE", "postgres://keyturn:hunter2@db/grants");
    expect(await locationOf()).toBe("postgres://keyturn:hunter2@db/grants");
  });

  test.each(["postgres://keyturn:hunter2@db/grants", "postgresql://db/grants?user=keyturn&password=hunter2"])(
    "has no password on a command line: %s",
    async (store) => {
      const refused = locationOf("--store", store);
      await expect(refused).rejects.toThrow(
        "Cannot use --store with a password: must stand in --store-file, KEYTURN_STORE, PGPASSWORD or a passfile (PGPASSFILE)",
      );
      await expect(refused).rejects.not.toThrow("hunter2");
    },
  );

  test("a flag wins over the environment, whichever of the two it is", async () => {
    vi.stubEnv("KEYTURN_STORE", "sqlite:/env");
    expect(await locationOf("--store", "sqlite:/flag")).toBe("sqlite:/flag");
    expect(await locationOf("--store-file", "/run/store")).toBe("postgres://keyturn:hunter2@db/grants");
    vi.stubEnv("KEYTURN_STORE", undefined);
    vi.stubEnv("KEYTURN_STORE_FILE", "/run/store");
    expect(await locationOf("--store", "sqlite:/flag")).toBe("sqlite:/flag");
    expect(await locationOf()).toBe("postgres://keyturn:hunter2@db/grants");
  });

  test("is not named twice", async () => {
    const message = "Cannot use --store with --store-file: must be one of them";
    await expect(locationOf("--store", "sqlite:/a", "--store-file", "/run/store")).rejects.toThrow(message);
    vi.stubEnv("KEYTURN_STORE", "sqlite:/env");
    vi.stubEnv("KEYTURN_STORE_FILE", "/run/store");
    await expect(locationOf()).rejects.toThrow(message);
  });

  test.each(["/run/empty", "/run/two"])("a file without its one line is refused: %s", async (path) => {
    await expect(locationOf("--store-file", path)).rejects.toThrow(
      `Cannot use --store-file "${path}": must hold one line`,
    );
  });
});
