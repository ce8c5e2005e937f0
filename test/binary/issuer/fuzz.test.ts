import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { postgresNeeds, startPostgres } from "../../../hack/postgres.ts";
import { secret, specWith } from "../../issuer/api/support/world.ts";
import { IssuerHome } from "../../issuer/support/issuer-home.ts";
import { fileWith } from "../../issuer/support/token-issuers.ts";
import { pythonWith } from "../support/python.ts";
import { IssuerProgram } from "./issuer-program.ts";

const schemathesis = {
  name: "schemathesis-4.32.5",
  requirements: ["schemathesis==4.32.5", "hypothesis==6.170.17"],
  modules: ["schemathesis.cli"],
};
const settings = join(import.meta.dirname, "../clients/schemathesis.toml");
const execute = promisify(execFile);

/** Whoever may do everything that a client may. */
const allow = {
  ...{ audiences: ["api"], scopes: ["read"], subjects: ["**"], claims: ["*"] },
  ...{ introspect: true, watchRevocations: true },
};

/** PostgreSQL where it is to be had: it takes less than SQLite does, a NUL in a text for one. */
async function storeFor({ dir }: IssuerHome): Promise<string> {
  if (postgresNeeds() !== undefined) return `sqlite:${join(dir, "grants.db")}`;
  const server = await startPostgres();
  onTestFinished(() => server.remove());
  return server.url();
}

test("the issuer's API, fuzzed from its own description, answers as that says, and never with a mistake of its own", async ({
  skip,
}) => {
  const found = await pythonWith(schemathesis);
  if ("missing" in found) skip(found.missing);
  if ("missing" in found) return;
  const home = await IssuerHome.make();
  await home.allow(fileWith(specWith({ client: { allow } })));
  await home.writes({ generation: 5 });
  const from = ["--dir", home.dir, "--instance", "one", "--config", home.config, "--store", await storeFor(home)];
  const program = await IssuerProgram.begin({ args: ["issuer", ...from, "--request-rate", "100000"] });
  onTestFinished(async () => {
    await program.end();
  });
  const flags = ["--no-color", "--continue-on-failure", "--auth", `dashboard:${secret}`];
  const args = [
    "-m",
    "schemathesis.cli",
    "--config-file",
    settings,
    "run",
    `${program.address}/openapi.json`,
    ...flags,
  ];
  const { stdout } = await execute(found.python, args, { cwd: home.dir }).catch((error: unknown) => {
    throw new Error(error instanceof Error && "stdout" in error ? String(error.stdout) : String(error));
  });
  const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(stdout) ?? [];
  expect([Number(generated) > 500, passed]).toEqual([true, generated]);
  expect(program.said).not.toContain('"level":"error"');
  expect(program.health()).toBeUndefined();
  console.log(`${generated ?? ""} requests by schemathesis`);
});
