import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { identityFields, requestFields } from "../../src/agent/config/read-identity.ts";
import { directoryFields, fileFields, notifyFields } from "../../src/agent/config/read-sinks.ts";
import { endpointFields, tokenSourceFields } from "../../src/agent/config/read-source.ts";
import { proxyFields, socketFields } from "../../src/agent/config/read-listeners.ts";
import { agentFields } from "../../src/agent/config/read-token-agent.ts";

const page = readFileSync(new URL("../../docs/token-agent.md", import.meta.url), "utf8");

/** What stands in backquotes in the first column of the table below the heading. */
function namesBelow(heading: string): readonly string[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

describe("docs/token-agent.md", () => {
  test.each<[heading: string, fields: readonly string[]]>([
    ["spec", agentFields],
    ["issuer", endpointFields],
    ["spec.identities[]", identityFields],
    ["source", tokenSourceFields],
    ["request", requestFields],
    ["sinks", [...new Set([...fileFields, ...directoryFields])]],
    ["notify", notifyFields],
    ["spec.proxies[]", proxyFields],
    ["spec.sockets[]", socketFields],
  ])("has every field of %s, and no other", (heading, fields) =>
    expect([...namesBelow(heading)].sort()).toEqual([...fields].sort()),
  );
});
