import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { secret } from "../../issuer/api/support/world.ts";
import { IssuerHome } from "../../issuer/support/issuer-home.ts";
import { pythonWith } from "../support/python.ts";

const authlib = {
  name: "authlib-1.9.10",
  requirements: ["Authlib==1.9.10", "requests==2.34.2"],
  modules: ["authlib", "requests"],
};

test("Authlib, as it is, gets a pair, renews it, looks at it and revokes it", async ({ skip }) => {
  const found = await pythonWith(authlib);
  if ("missing" in found) return skip(found.missing);
  const home = await IssuerHome.make();
  await home.writes({ generation: 5 });
  await home.start();
  await home.log.heard("} ready");
  const program = join(import.meta.dirname, "../clients/oauth-authlib.py");
  // Over the loopback in clear
  const env = { ...process.env, AUTHLIB_INSECURE_TRANSPORT: "1" };
  const { stdout } = await promisify(execFile)(found.python, [program, home.at(""), "dashboard", secret], { env });
  expect(JSON.parse(stdout)).toEqual({
    types: ["Bearer", "Bearer"],
    isAnother: true,
    scope: "read",
    lifetime: expect.any(Number) as unknown,
    before: [true, true],
    revoked: 200,
    after: [false, false],
    refused: "invalid_grant",
  });
});
