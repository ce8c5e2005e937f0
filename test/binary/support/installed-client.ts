import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root, run } from "../../../hack/run.ts";

const execute = promisify(execFile);

/** `@keyturn/client` as a service has it: packed, and installed without a network into a project of its own. */
export class InstalledClient {
  readonly folder: string;
  /** What is in the tarball. */
  readonly files: readonly string[];

  private constructor(folder: string, files: readonly string[]) {
    this.folder = folder;
    this.files = files;
  }

  static async install(): Promise<InstalledClient> {
    const { code, output } = await run(["node", "hack/client.ts"]);
    if (code !== 0) throw new Error(`Cannot build the client:\n${output}`);
    const folder = await mkdtemp(join(tmpdir(), "keyturn-client-"));
    const packed = await execute("npm", ["pack", join(root, "dist/client"), "--json"], { cwd: folder });
    const [tarball] = JSON.parse(packed.stdout) as [{ filename: string; files: readonly { path: string }[] }];
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "service", private: true, type: "module" }));
    await execute("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball.filename], { cwd: folder });
    return new InstalledClient(
      folder,
      tarball.files.map(({ path }) => path),
    );
  }

  /** Puts a program of test/binary/clients into the project, and returns its path. */
  async place(name: string): Promise<string> {
    const path = join(this.folder, name);
    await copyFile(join(root, "test/binary/clients", name), path);
    return path;
  }

  /** Writes a file of the project, and returns its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
