import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { apiMethods } from "../../src/agent/api/api-paths.ts";
import { ApiWorld } from "../agent/api/support/api-world.ts";
import { identitySpec } from "../agent/support/memory-identities.ts";
import { TryLaterError } from "../../src/errors/keyturn-error.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const page = textOf("docs/api/agent.md");

/** What stands below each `### \`METHOD path\``. */
const sections = new Map(
  page.split(/^### /m).flatMap((part): [string, string][] => {
    const [, endpoint] = /^`([A-Z]+ [^`]+)`\n/.exec(part) ?? [];
    return endpoint === undefined ? [] : [[endpoint, part.split(/^## /m, 1)[0] ?? ""]];
  }),
);

const membersNamed = (endpoint: string): readonly string[] =>
  [...(sections.get(endpoint) ?? "").matchAll(/^\| `(\w+)` +\|/gm)].map(([, member = ""]) => member).sort();

const matchesIn = (paths: string, pattern: RegExp): readonly string[] =>
  globSync(paths, { cwd: root }).flatMap((path) => [...textOf(path).matchAll(pattern)].map(([, word = ""]) => word));

describe("docs/api/agent.md", () => {
  test("has a section for each endpoint that there is, and for no other", () => {
    const endpoints = Object.entries(apiMethods).flatMap(([path, methods]) => methods.map((one) => `${one} ${path}`));
    expect([...sections.keys()].sort()).toEqual(endpoints.sort());
  });

  test("names each member of a token", async () => {
    const world = await ApiWorld.open();
    const { json } = await world.ask("GET /v1/identities/a/token");
    expect(membersNamed("GET /v1/identities/{name}/token")).toEqual(Object.keys(json).sort());
  });

  test("names each member of an identity", async () => {
    const world = await ApiWorld.open({ inFile: [identitySpec("a")] });
    const [a] = world.identities.all();
    if (!a) throw new Error("no identity");
    a.failure = new TryLaterError("Unreachable", "Cannot get a token");
    a.told = { nextAtMs: 0 };
    const { json } = await world.ask("GET /v1/identities/a");
    expect(membersNamed("GET /v1/identities/{name}")).toEqual(Object.keys(json).sort());
  });

  test("names each code that the sources can answer with, and no other", () => {
    const [, errors = ""] = page.split("\n## Errors\n");
    const named = [...errors.matchAll(/^\| `(\w+)`/gm)].map(([, code = ""]) => code);
    const places = ["src/agent/api/{api-problems,request-guard}.ts", "src/http/body.ts"];
    const answered = places.map((place) => matchesIn(place, /\bcode: "([A-Z]\w+)"/g));
    for (const some of answered) expect(some.length).toBeGreaterThan(2);
    const thrown = matchesIn(
      "src/agent/{api,identities,config}/*.ts",
      /"(NameTaken|InFile|RegistrationRefused|InvalidIdentity)"/g,
    );
    expect([...named].sort()).toEqual([...new Set([...answered.flat(), ...thrown])].sort());
  });
});
