import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { nativeNeeds } from "../../../hack/native.ts";
import { root, run } from "../../../hack/run.ts";

/** Bundles the program into `app` of a folder without node_modules, as in the image. Who calls removes the folder. */
export async function bundled(): Promise<string> {
  const { code, output } = await run(["node", "hack/bundle.ts"], { env: { KEYTURN_COMMIT: "0123456789ab" } });
  expect(output).toMatch(
    nativeNeeds() === undefined
      ? /^(?:Building native signatures .*\nBuilt in \d+ s\n)?$/
      : /^Without native signatures: /,
  );
  expect(code).toBe(0);
  const folder = await mkdtemp(join(tmpdir(), "keyturn-bundle-"));
  await cp(join(root, "dist/bundle"), join(folder, "app"), { recursive: true });
  return folder;
}
