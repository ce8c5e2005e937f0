import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageFlags } from "../../hack/docker/image-flags.ts";
import { postgresNeeds, type PostgresServer, startPostgres } from "../../hack/postgres.ts";
import { bundled } from "./support/bundled.ts";
import { LineProcess } from "./support/line-process.ts";

let folder = "";
let flags: readonly string[] = [];
let standalone: LineProcess;
const dir = (): string => join(folder, "ring");
const secret = "0123456789abcdef";

const start = (...args: readonly string[]): LineProcess =>
  new LineProcess(process.execPath, [...flags, join(folder, "app/keyturn.cjs"), ...args]);

async function says(program: LineProcess, message: string): Promise<string> {
  for (;;) {
    const line = program.output.stderr.split("\n").find((one) => one.includes(message));
    if (line !== undefined) return line;
    expect(program.isRunning, program.output.stderr).toBe(true);
    await pause(50);
  }
}

beforeAll(async () => {
  folder = await bundled();
  flags = await imageFlags();
  standalone = start("standalone", `--dir=${dir()}`, "--issuer=https://issuer.example", "--audience=api");
  await writeFile(join(folder, "secret"), secret);
  const clients = [{ id: "app", secretFiles: ["secret"], allow: { audiences: ["api"] } }];
  const file = { apiVersion: "keyturn.dev/v1alpha1", kind: "TokenIssuer", metadata: { name: "a" }, spec: { clients } };
  await writeFile(join(folder, "issuer.yaml"), JSON.stringify(file));
});

afterAll(async () => {
  await standalone.end();
  await rm(folder, { recursive: true, force: true });
});

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** An issuer as in a pod: a pair, and its renewal. */
async function playsOn(...store: readonly string[]): Promise<void> {
  const listen = ["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"];
  const issuer = start("issuer", `--config=${join(folder, "issuer.yaml")}`, `--dir=${dir()}`, ...store, ...listen);
  await says(issuer, '"ready"');
  const { port } = JSON.parse(await says(issuer, '"listening"')) as { port: number };
  const headers = { authorization: `Basic ${btoa(`app:${secret}`)}` };
  const ask = async (form: Readonly<Record<string, string>>): Promise<Pair> => {
    const body = new URLSearchParams(form);
    const answer = await fetch(`http://127.0.0.1:${port}/oauth2/token`, { method: "POST", headers, body });
    expect(answer.status).toBe(200);
    return (await answer.json()) as Pair;
  };
  const first = await ask({ grant_type: "client_credentials" });
  const second = await ask({ grant_type: "refresh_token", refresh_token: first.refresh_token });
  expect(second.refresh_token).not.toBe(first.refresh_token);
  const description = await fetch(`http://127.0.0.1:${port}/openapi.json`);
  expect(await description.json()).toMatchObject({ openapi: expect.stringMatching(/^3\./) as string });
  const ended = await issuer.end();
  expect(ended.code).toBe(0);
  expect(ended.stderr).not.toMatch(/warning|MODULE_NOT_FOUND/i);
  for (const token of [first.access_token, first.refresh_token]) expect(ended.stderr).not.toContain(token);
}

describe("the issuer of the image has every part that it loads: the API, its description, and a store", () => {
  test("of SQLite", () => playsOn(`--store=sqlite:${join(folder, "grants.db")}`));

  test("of PostgreSQL, by the URL in a file", async (context) => {
    const missing = postgresNeeds();
    if (missing !== undefined) context.skip(missing);
    const server: PostgresServer = await startPostgres();
    try {
      await writeFile(join(folder, "url"), `${server.url()}\n`);
      await playsOn(`--store-file=${join(folder, "url")}`);
    } finally {
      await server.remove();
    }
  });
});
