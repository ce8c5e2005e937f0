// The libraries, from their registries into the user's cache.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { access, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { madeOnce, runGo } from "../../hack/go.ts";
import { programOnPath } from "../../hack/testcluster/build.ts";
import { fill, inCache, lastWords } from "../binary/support/cache.ts";
import { pythonWith } from "../binary/support/python.ts";
import type { Client } from "./clients.ts";

const execute = promisify(execFile);
const programs = join(import.meta.dirname, "programs");

/** Clients in one language: one program, and one folder of what it needs. */
interface Installed {
  /** `jose 6.2.17` of each. */
  readonly versions: (names: readonly string[]) => string;
  readonly start: Client["start"];
}

const listed = (names: readonly string[], versionOf: (name: string) => string | undefined): string =>
  names.map((name) => `${name.replace(/^github\.com\//, "")} ${versionOf(name) ?? "?"}`).join(", ");

/** Of the content of these files. */
function hashOf(...paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest("hex").slice(0, 8);
}

/** The folder, filled at the first use; or why it can't be. */
async function filled(name: string, make: (fresh: string) => Promise<void>): Promise<string | { missing: string }> {
  const folder = inCache(name);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  try {
    if (!isThere) await fill(folder, make);
    return folder;
  } catch (error) {
    return { missing: `${name} can't be had: ${lastWords(error)}` };
  }
}

const npmPackages: Readonly<Record<string, string>> = {
  jose: "6.2.17",
  jsonwebtoken: "9.0.3",
  "jwks-rsa": "4.1.0",
  "express-oauth2-jwt-bearer": "1.10.0",
  "fast-jwt": "6.3.6",
  "get-jwks": "11.0.3",
};

export const nodeClients: Installed = {
  versions: (names) => listed(names, (name) => npmPackages[name]),
  start: async () => {
    const program = join(programs, "verifier.mjs");
    const manifest = JSON.stringify({ private: true, dependencies: npmPackages });
    const hash = createHash("sha256").update(manifest).update(hashOf(program)).digest("hex").slice(0, 8);
    const folder = await filled(`clients-node-${hash}`, async (fresh) => {
      await writeFile(join(fresh, "package.json"), manifest);
      await copyFile(program, join(fresh, "verifier.mjs"));
      await execute("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: fresh });
    });
    return typeof folder === "string" ? [process.execPath, join(folder, "verifier.mjs")] : folder;
  },
};

const pipPackages: Readonly<Record<string, string>> = { PyJWT: "2.15.1", Authlib: "1.9.10", joserfc: "1.8.0" };

export const pythonClients: Installed = {
  versions: (names) => listed(names, (name) => pipPackages[name]),
  start: async () => {
    const { PyJWT, Authlib, joserfc } = pipPackages;
    const found = await pythonWith({
      name: `clients-python-${PyJWT}-${Authlib}-${joserfc}`,
      requirements: [`PyJWT[crypto]==${PyJWT}`, `Authlib==${Authlib}`, `joserfc==${joserfc}`, "requests==2.34.2"],
      modules: ["jwt", "cryptography", "authlib", "joserfc", "requests"],
    });
    return "missing" in found ? found : [found.python, join(programs, "verifier.py")];
  },
};

const goFolder = join(programs, "go");

export const goClients: Installed = {
  versions: (names) => {
    const text = readFileSync(join(goFolder, "go.mod"), "utf8");
    return listed(names, (name) => new RegExp(`${name} (\\S+)`).exec(text)?.[1]);
  },
  start: async () => {
    const sources = ["go.mod", "go.sum", "main.go"].map((name) => join(goFolder, name));
    const path = inCache(`clients-go-${hashOf(...sources)}`, "verifier");
    if (programOnPath("go") === undefined) return { missing: "no clients in Go: install Go" };
    const args = ["build", "-trimpath", "-v", "-p", "2", "-ldflags", "-s -w", "-o"];
    const make = (output: string): Promise<void> =>
      runGo(
        {
          what: "clients in Go",
          ...{ args: [...args, output, "."], cwd: goFolder, progress: (count) => `compiled ${count} packages` },
        },
        console.error,
      );
    return [await madeOnce({ path, name: "clients in Go", make }, console.error)];
  },
};

const javaFolder = join(programs, "java");

export const javaClients: Installed = {
  versions: (names) => {
    const text = readFileSync(join(javaFolder, "pom.xml"), "utf8");
    return listed(names, (name) => new RegExp(`${name}</artifactId><version>([^<]+)`).exec(text)?.[1]);
  },
  start: async () => {
    const [pom, source] = ["pom.xml", "Verifier.java"].map((name) => join(javaFolder, name)) as [string, string];
    const folder = await filled(`clients-java-${hashOf(pom, source)}`, async (fresh) => {
      const jars = join(fresh, "jars");
      await mkdir(jars);
      const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${jars}`, "-DincludeScope=runtime"];
      await execute("mvn", ["-q", "-B", "-f", pom, ...goal], { cwd: fresh });
      await execute("javac", ["-cp", join(jars, "*"), "-d", join(fresh, "classes"), source]);
    });
    if (typeof folder !== "string") return folder;
    return ["java", "-cp", `${join(folder, "classes")}:${join(folder, "jars", "*")}`, "Verifier"];
  },
};
