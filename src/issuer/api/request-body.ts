import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import { membersInBytes } from "../../jwt/json-segment.ts";
import { badRequest } from "./api-error.ts";

/** The most that a request's body may measure, in bytes. */
export const bodyLimit = 65_536;

/** JSON alone, strictly: UTF-8, and each name once, since servers and proxies disagree about which of two counts (RFC 8259 §4). */
export function acceptJson(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    const members = membersInBytes(body);
    if (typeof members !== "string") done(null, members);
    else done(badRequest(members, flaws[members]));
  });
}

/**
 * Forms alone (RFC 6749 appendix B), each parameter once (§3.2); `audience`, `resource` and `scope` may come several times (RFC 8693 §2.1,
 * RFC 8707 §2).
 */
export function acceptForms(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser<Buffer>(formType, { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, formOf(body));
    } catch (error) {
      done(error instanceof Error ? error : new TypeError("Cannot read the form"));
    }
  });
}

export const formType = "application/x-www-form-urlencoded";

const flaws = {
  Malformed: "The body must be a JSON object in UTF-8",
  TooDeep: "The body must not be deeper than 16",
  DuplicateMember: "The body must have each member once",
} as const;

const repeatable = ["audience", "resource", "scope"];

function formOf(body: Buffer): Readonly<Record<string, string | readonly string[]>> {
  if (!isUtf8(body)) throw badRequest("Malformed", "The form must be UTF-8");
  const lists = new Map(repeatable.map((name): [string, string[]] => [name, []]));
  const once = new Map<string, string>();
  // One by one: to look each name up in all the others would take a second for a form that is full of them
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    const list = lists.get(name);
    if (list === undefined && once.has(name)) {
      throw badRequest("DuplicateMember", "The form must have each parameter once");
    }
    if (list === undefined) once.set(name, value);
    else list.push(value);
  }
  // RFC 6749 §3.2: without a value it counts as left out
  return {
    ...Object.fromEntries([...once].filter(([, value]) => value !== "")),
    ...Object.fromEntries(
      [...lists]
        .map(([name, values]) => [name, values.filter((value) => value !== "")] as const)
        .filter(([, values]) => values.length > 0),
    ),
  };
}
