import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foreignChecks } from "../../src/issuer/callers/caller.ts";
import { membersOf } from "../../src/parse/object.ts";
import { type IssuerWorld, newIssuerWorld } from "../issuer/api/support/world.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const page = textOf("docs/api/issuer.md");

/** What stands below each `### \`METHOD path\``. */
const sections = new Map(
  page.split(/^### /m).flatMap((part): [string, string][] => {
    const [, endpoint] = /^`([A-Z]+ [^`]+)`\n/.exec(part) ?? [];
    return endpoint === undefined ? [] : [[endpoint, part.split(/^## /m, 1)[0] ?? ""]];
  }),
);
/** The table of what is common to the four that give out a pair. */
const [, common = ""] = /^These members are common[^]*?\n\n([^]*?)\n\n/m.exec(page) ?? [];

const quotedIn = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);

describe("docs/api/issuer.md", () => {
  let world: IssuerWorld;
  /** Endpoint → the members of its body. */
  const endpoints = new Map<string, readonly string[]>();

  beforeAll(async () => {
    world = await newIssuerWorld();
    const answer = await world.api.inject("/openapi.json");
    for (const [path, methods] of Object.entries(membersOf(membersOf(answer.json())["paths"]))) {
      for (const [method, operation] of Object.entries(membersOf(methods))) {
        const { content } = membersOf(membersOf(operation)["requestBody"]);
        const [body] = Object.values(membersOf(content));
        const { properties } = membersOf(membersOf(body)["schema"]);
        endpoints.set(`${method.toUpperCase()} ${path}`, Object.keys(membersOf(properties)));
      }
    }
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test("has a section for each endpoint that the server describes, and for no other", () => {
    expect(endpoints.size).toBeGreaterThan(12);
    expect([...sections.keys()].sort()).toEqual([...endpoints.keys()].sort());
  });

  test("names each member of each body in its section, or among those that are common to all", () => {
    const missing = [...endpoints].flatMap(([endpoint, members]) => {
      const section = sections.get(endpoint) ?? "";
      const named = quotedIn(section.includes("common members") ? section + common : section);
      return members.filter((member) => !named.includes(member)).map((member) => `${endpoint}: ${member}`);
    });
    expect([...endpoints.values()].flat().length).toBeGreaterThan(40);
    expect(missing).toEqual([]);
  });

  test("names each code of an error that the sources can answer with, and no other", () => {
    const [, errors = ""] = page.split("\n## Errors\n");
    const inTables = [...errors.matchAll(/^\| `([\w-]+)`/gm)].map(([, code = ""]) => code);
    const [, paragraph = ""] = /^Of who asks, and([^]*?)\n\n/m.exec(errors) ?? [];
    const inWords = quotedIn(paragraph).filter((word) => word !== "code" && word !== "invalid_token");
    expect([...new Set([...inTables, ...inWords])].sort()).toEqual(
      [...new Set([...ofRequests(), ...ofTokens(), ...ofLater()])].sort(),
    );
  });
});

const matchesIn = (paths: string, pattern: RegExp): readonly string[] =>
  globSync(paths, { cwd: root }).flatMap((path) => [...textOf(path).matchAll(pattern)].map(([, word = ""]) => word));

/** The words of a union, `type Name = "a" | "b"`. */
function unionOf(path: string, name: string): readonly string[] {
  const [, union = ""] = new RegExp(`type ${name} =([^;]*);`).exec(textOf(path)) ?? [];
  const words = [...union.matchAll(/"([\w-]+)"/g)].map(([, word = ""]) => word);
  expect(words, name).not.toEqual([]);
  return words;
}

function ofRequests(): readonly string[] {
  const made = matchesIn(
    "src/issuer/api/*.ts",
    /\b(?:badRequest|unauthorized|forbidden|tryLater|tooMany)\(\s*"([\w-]+)"/g,
  );
  const given = matchesIn("src/issuer/api/*.ts", /\bcode: "([A-Z]\w+)"/g);
  const ofFastify = matchesIn("src/issuer/api/api-error.ts", /\bFST_\w+: "([A-Z]\w+)"/g);
  const ofBodies = matchesIn("src/issuer/api/request-body.ts", /^ {2}([A-Z]\w+): "/gm);
  for (const some of [made, given, ofFastify, ofBodies]) expect(some.length).toBeGreaterThan(1);
  return [...made, ...given, ...ofFastify, ...ofBodies];
}

const ofTokens = (): readonly string[] => [
  ...foreignChecks,
  ...unionOf("src/issuer/callers/caller.ts", "NarrowCheck"),
  ...unionOf("src/issuer/callers/caller.ts", "CallerCheck"),
  ...unionOf("src/issuer/tokens/denial.ts", "TokenFlaw"),
  ...unionOf("src/grants/renew.ts", "RenewalRefusal"),
  ...unionOf("src/grants/grant.ts", "RevocationReason"),
];

/** What `narrow` refuses before a minter is asked. */
const neverAsked = ["SubjectInvalid", "TtlOutOfRange", "ClaimReserved", "ClaimInvalid"];

function ofLater(): readonly string[] {
  const later = /new TryLaterError\(\s*"(\w+)"/g;
  const places = ["src/issuer/tokens/*.ts", "src/issuer/*.ts", "src/sql/store-away.ts", "src/jwt/minter.ts"];
  const minter = matchesIn("src/jwt/minter.ts", /new RuleError\(\s*"(\w+)"/g);
  expect(minter).toEqual(expect.arrayContaining(neverAsked));
  return [
    ...places.flatMap((place) => matchesIn(place, later)),
    ...minter.filter((code) => !neverAsked.includes(code)),
  ];
}
