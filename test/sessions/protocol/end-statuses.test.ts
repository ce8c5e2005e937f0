import { readFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { endCodes } from "../../../src/sessions/core/session-end.ts";
import { grpcStatuses, webSocketCodes } from "../../../src/sessions/protocol/end-statuses.ts";

test.each(["sessions.md", "design.md"])("every code of an end is documented as it is said, in docs/%s", (page) => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs", page), "utf8");
  const rows = [...text.matchAll(/^\| (\w+) +\| (4\d{3}) +\| ([A-Z_]+) +\|/gm)].map(([, ...row]) => row);
  const said = endCodes.map((code) => [code, String(webSocketCodes[code]), grpcStatuses[code]]);
  expect(rows.toSorted()).toEqual(said.toSorted());
  for (const name of Object.values(grpcStatuses)) expect(status[name]).toBeTypeOf("number");
});
