import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { basic, secret, specWith } from "../../issuer/api/support/world.ts";
import { fileWith } from "../../issuer/support/token-issuers.ts";
import { transports } from "../../sessions/faces/support/gateway.ts";
import { IssuerProgram, mainProgram } from "../issuer/issuer-program.ts";

let dir: string;
let program: IssuerProgram;
let ports: Readonly<Record<"front" | "webSocket" | "grpc", number>>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "keyturn-revoked-grants-"));
  await writeFile(join(dir, "dashboard"), secret);
  await writeFile(join(dir, "issuer.json"), JSON.stringify(fileWith(specWith())));
  ports = { front: await freePort(), webSocket: await freePort(), grpc: await freePort() };
  program = await IssuerProgram.begin({
    args: [
      ...["standalone", `--dir=${dir}/keys`, "--issuer=https://issuer.example", "--audience=api"],
      ...["--gateway", `--listen=127.0.0.1:${ports.front}`, "--admin-listen=127.0.0.1:0"],
      ...[`--session-listen=127.0.0.1:${ports.webSocket}`, `--session-grpc-listen=127.0.0.1:${ports.grpc}`],
      ...[`--hub-listen=unix:${dir}/hub.sock`, `--token-issuer=${dir}/issuer.json`],
    ],
  });
});

afterAll(async () => {
  await program.end();
  await rm(dir, { recursive: true });
});

const post = (path: string, fields: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${program.address}${path}`, {
    method: "POST",
    headers: { authorization: basic() },
    body: new URLSearchParams(fields),
  });

async function newToken(): Promise<string> {
  const answer = await post("/oauth2/token", { grant_type: "client_credentials" });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** The gateway takes the ring on its own; and of the second in which a subject was revoked all tokens are old. */
async function acceptedToken(): Promise<string> {
  for (;;) {
    const token = await newToken();
    const headers = { authorization: `Bearer ${token}` };
    if ((await fetch(`http://127.0.0.1:${ports.front}/verify`, { headers })).status === 200) return token;
    await tick(20);
  }
}

describe.each(transports)("keyturn standalone with an issuer and sessions over $name", (transport) => {
  async function opened() {
    const token = await acceptedToken();
    const client = transport.open(transport.name === "gRPC" ? ports.grpc : ports.webSocket, token);
    client.say({ hello: { instanceId: "one" } });
    await client.next("accepted");
    return { client, token };
  }

  test("ends the session of a token that its owner has revoked", async () => {
    const { client, token } = await opened();
    expect((await post("/oauth2/revoke", { token })).status).toBe(200);
    expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Revoked", retry: true });
  });

  test("ends the sessions of a subject for good, when a command has revoked it", async () => {
    const { client } = await opened();
    const revoke = [mainProgram, "grants", "revoke", "--subject=dashboard", `--dir=${dir}/keys`];
    await promisify(execFile)(process.execPath, revoke);
    expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Revoked", retry: false });
  });
});
