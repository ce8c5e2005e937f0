import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { signerObject } from "../../src/crypto/objects.ts";
import { runGateway } from "../../src/gateway/run-gateway.ts";
import { systemClock } from "../../src/time/clock.ts";
import { secretsOf } from "../support/keys.ts";
import { asking, GrpcClient } from "./support/grpc.ts";
import { Home, local } from "./support/home.ts";
import { keyRing, kid } from "./support/rings.ts";
import { tokenOf } from "./support/tokens.ts";

const token = (signer = 0): string => tokenOf({ signer, nowMs: Date.now() });

describe("runGateway on a directory", () => {
  test("begins before there is a ring, and mints and verifies as soon as there is one", async () => {
    const home = await (await Home.make()).start();
    expect(await home.get("admin", "/readyz")).toEqual([503, expect.stringContaining("no ring yet")]);
    expect((await home.get("admin", "/livez"))[0]).toBe(200);
    expect(await home.verify(token())).toBe(503);
    await home.writes({ generation: 5 });
    const { token: minted } = (await (await home.mint()).json()) as Record<string, string>;
    expect(await home.verify(minted ?? "")).toBe(200);
    expect(await home.get("admin", "/readyz")).toEqual([200, expect.stringContaining("readyz check passed")]);
    // A directory can be asked whether its key still signs
    expect((await home.get("admin", "/metrics"))[1]).toMatch(/^keyturn_gateway_mint_fence_seconds \d/m);
  });

  test("tells in /readyz what its process has to tell, and stays ready", async () => {
    const home = await (await Home.make()).start();
    await home.writes({ generation: 5 });
    await home.logs("ready");
    home.remarks = ["settings: spec.rotation.interval: why"];
    const [status, readyz] = await home.get("admin", "/readyz");
    expect([status, readyz.split("\n")[0]]).toEqual([200, "[!]settings: spec.rotation.interval: why"]);
  });

  test("goes on with a good ring whatever stands there, says so, and takes the next good one", async () => {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    await home.start();
    await home.logs("ready");
    const { ring, materials } = keyRing({ generation: 9 });
    const text = signerObject(ring, materials)["keyring.json"] ?? "";
    const foreign = keyRing({ generation: 9, change: { rotation: { namespace: "default", name: "other" } } });
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { "keyring.json": text.slice(0, text.length / 2) },
      { "keyring.json": '{"format":"another"}' },
      { "other.json": "{}" },
      signerObject(foreign.ring, foreign.materials),
    ];
    for (const files of wrong) {
      home.lines.length = 0;
      await home.writesText("signer", files);
      await home.logs("the ring in memory goes on");
      expect(await home.verify(token())).toBe(200);
      const [status, readyz] = await home.get("admin", "/readyz");
      expect([status, readyz]).toEqual([200, expect.stringMatching(/^\[!\]mount: /)]);
    }
    const [, metrics] = await home.get("admin", "/metrics");
    expect(metrics).toMatch(/keyturn_gateway_unfit_documents_total\{source="mount"\} [4-9]/);
    expect(metrics).toContain("keyturn_gateway_ring_generation 5");
    await home.writes({ generation: 6, signer: 1, standby: 2 });
    await home.logs(`"generation":6`);
    expect([await home.verify(token(0)), await home.verify(token(1))]).toEqual([401, 200]);
  });

  test("tells what Node.js knows of the process, with a ring or without", async () => {
    const home = await (await Home.make()).start();
    const metrics = async () => (await home.get("admin", "/metrics"))[1];
    // Not at once, so that the gateway is ready sooner
    while (!(await metrics()).includes("nodejs_version_info"));
    expect(await metrics()).toContain("process_resident_memory_bytes");
  });

  test("tells no key, no token and no claim in logs, metrics and acks", async () => {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    await home.start();
    const minted = ((await (await home.mint()).json()) as Record<string, string>)["token"] ?? "";
    await home.verify(minted);
    await home.verify(`${minted}x`);
    await home.writes({ generation: 6, signer: 1, standby: 2 });
    await home.logs(`"generation":6`);
    const told = [
      ...home.lines,
      (await home.get("admin", "/metrics"))[1],
      (await home.get("admin", "/readyz"))[1],
    ].join();
    for (const secret of [...secretsOf(keyRing({ generation: 5 }).materials.values()), minted, "alice"]) {
      expect(told).not.toContain(secret);
    }
  });

  test("answers Envoy over gRPC with the same decisions, counts them, and is healthy there once it is ready", async () => {
    const home = await (await Home.make()).start();
    const client = new GrpcClient(home.ports.grpc ?? 0);
    const check = async (of: string) =>
      (await client.check(asking({ key: "authorization", value: `Bearer ${of}` }))).message;
    expect(await client.health("")).toMatchObject({ message: { status: 2 } });
    expect(await check(token())).toMatchObject({ deniedResponse: { status: { code: 503 } } });
    await home.writes({ generation: 5 });
    await home.logs("ready {");
    expect(await client.health("")).toMatchObject({ message: { status: 1 } });
    expect(await check(token())).toMatchObject({ okResponse: { headers: [{ header: { value: "alice" } }] } });
    expect(await check("x")).toMatchObject({ deniedResponse: { status: { code: 401 } } });
    const [, metrics] = await home.get("admin", "/metrics");
    for (const reason of ["NotReady", "Accepted", "Malformed"]) {
      expect(metrics).toMatch(new RegExp(`^keyturn_gateway_verifications_total\\{.*reason="${reason}"\\} 1$`, "m"));
    }
    home.stop.abort();
    await home.ended;
    expect(await client.health("")).toEqual({ code: "UNAVAILABLE" });
  });

  test("with the public ring alone verifies and serves, and can't mint", async () => {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    await home.start({ ring: "public" }, false);
    await home.logs("ready");
    expect(await home.verify(token())).toBe(200);
    expect((await home.get("front", "/.well-known/jwks.json"))[1]).toContain(kid(0));
    const [, metrics] = await home.get("admin", "/metrics");
    expect(metrics).not.toMatch(/^keyturn_gateway_mint_fence_seconds \d/m);
  });

  test("ends in good order: not ready, closed, and its ack taken back", async () => {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    await home.start();
    await home.mint();
    expect(await readdir(join(home.dir, "acks"))).toEqual(["one.json"]);
    home.stop.abort();
    await home.ended;
    expect(await readdir(join(home.dir, "acks"))).toEqual([]);
    await expect(home.verify(token())).rejects.toThrow("fetch failed");
  });

  test("ends when an address can't be had, with nothing left behind", async () => {
    const home = await Home.make();
    await home.writes({ generation: 5 });
    await home.start();
    const port = home.ports.front;
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const second = (mintPort: number, frontPort: number, grpcPort = 0) =>
      runGateway({
        sources: { kind: "directory", ring: "signer", acks: "required", dir: home.dir, instance: "two" },
        ...{ listen: { ...local, port: frontPort }, mintListen: { ...local, port: mintPort }, required: {}, owned: [] },
        grpcListen: { ...local, port: grpcPort },
        ...{ drainMs: 0, clock: systemClock, chance: Math.random, newId: randomUUID, log, signal: home.stop.signal },
      });
    await expect(second(0, port)).rejects.toMatchObject({ code: "AddressUnusable" });
    await expect(second(0, 0, port)).rejects.toMatchObject({ code: "AddressUnusable" });
    // Minting opens late: when the gateway is ready
    await expect(second(port, 0)).rejects.toMatchObject({ code: "AddressUnusable" });
    expect(await readdir(join(home.dir, "acks"))).toEqual(["one.json"]);
  });
});
