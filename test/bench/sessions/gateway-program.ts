import type { ChildProcess } from "node:child_process";
import { createPublicKey, randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import { imageFlags } from "../../../hack/docker/image-flags.ts";
import { root } from "../../../hack/run.ts";
import { publicObject } from "../../../src/crypto/objects.ts";
import { generateKey } from "../../../src/crypto/keypair.ts";
import { privateKeyObject } from "../../../src/crypto/key-objects.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { compileMinter } from "../../../src/jwt/minter.ts";
import { fullRing } from "../full-ring.ts";
import { onMeasuredCore } from "../renewals/pinned.ts";
import { start, untilOk } from "../sidecar/processes.ts";

/** A gateway that serves sessions, and who may open them. */
export interface SessionGateway {
  readonly child: ChildProcess;
  readonly ports: { readonly WebSocket: number; readonly gRPC: number };
  /** The socket of its hub. */
  readonly hub: string;
  /** Of the key that signs the tokens, in PEM. */
  readonly publicKey: string;
  token(subject: string, lifeSeconds: number): string;
  /** As many tokens, each of a subject of its own that nobody had before. */
  tokens(count: number, lifeSeconds?: number): readonly string[];
}

/** As a gateway of the chart has it. */
const heapLimits = ["--max-semi-space-size=4"];

/** The program of the image, on the measured core. */
export async function startGateway(folder: string, flags: readonly string[] = []): Promise<SessionGateway> {
  const own = await mkdtemp(join(folder, "sessions-"));
  const { ring: before, materials } = await fullRing("ES256");
  const { kid, material } = await generateKey("ES256");
  const ring = { ...before, signer: { ...before.signer, kid } };
  const files = publicObject(ring, new Map([...materials, [kid, material]]));
  const mount = join(own, "mount");
  await writeDataDir(nodeDisk(), mount, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
  const [ports, hub] = [{ WebSocket: await freePort(), gRPC: await freePort() }, join(own, "hub.sock")];
  const admin = await freePort();
  const program = [...(await imageFlags()), ...heapLimits, join(root, "dist/bundle/keyturn.cjs"), "gateway"];
  const child = start(onMeasuredCore[0], [
    ...[...onMeasuredCore.slice(1), process.execPath, ...program],
    ...["--public", "--acks=off", `--mount=${mount}`, "--log-level=error"],
    ...[`--listen=127.0.0.1:${await freePort()}`, `--admin-listen=127.0.0.1:${admin}`],
    ...[`--session-listen=127.0.0.1:${ports.WebSocket}`, `--session-grpc-listen=127.0.0.1:${ports.gRPC}`],
    ...[`--hub-listen=unix:${hub}`, ...flags],
  ]);
  await untilOk(admin, "/readyz");
  const half = { kid, key: privateKeyObject(material.privateJwk) };
  const minter = compileMinter({ ring, half }, { newId: randomUUID });
  const token = (subject: string, lifeSeconds: number): string => {
    const times = { nowMs: Date.now(), notAfterMs: Infinity };
    return minter?.mint({ subject, ttlMs: lifeSeconds * 1000 }, times).token ?? "";
  };
  return {
    ...{ child, ports, hub, token },
    publicKey: createPublicKey(half.key).export({ type: "spki", format: "pem" }).toString(),
    tokens: (count, lifeSeconds = 3600) => Array.from({ length: count }, () => token(randomUUID(), lifeSeconds)),
  };
}
