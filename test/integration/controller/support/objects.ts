import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from "jose";
import { expect } from "vitest";
import { ApiError, type KubeObject } from "../../../../hack/testcluster/client.ts";
import { admin } from "../../support/scene.ts";
import { holds, type RotationHandle } from "./scene.ts";

export const roles = ["ring", "signer", "public"] as const;
export type Role = (typeof roles)[number];

/** What may befall an object. */
export const damages = {
  gone: "deleted",
  emptied: "emptied",
  corrupt: "corrupted",
  older: "put back from a backup",
  foreign: "swapped for a foreign one",
} as const;
export type Damage = keyof typeof damages;

export type Backup = Readonly<Record<Role, KubeObject>>;

export async function backUp(rotation: RotationHandle): Promise<Backup> {
  const [ring, signer, open] = await Promise.all(roles.map((role) => admin.get(rotation.objectPath(role))));
  if (ring === undefined || signer === undefined || open === undefined) throw new Error("there is no ring yet");
  return { ring, signer, public: open };
}

/** Does it, as somebody may who creates and deletes: nobody but the controller changes an object of ours. */
export async function damage(
  rotation: RotationHandle,
  { role, how, backup }: { readonly role: Role; readonly how: Damage; readonly backup: Backup },
): Promise<void> {
  const path = rotation.objectPath(role);
  const folder = path.slice(0, path.lastIndexOf("/"));
  await remove(path);
  if (how === "gone") return;
  const { metadata, data } = backup[role] as KubeObject & { readonly data: Readonly<Record<string, string>> };
  const { name, labels } = metadata as { name: string; labels: Readonly<Record<string, string>> };
  const text = (value: string): string => (role === "public" ? value : Buffer.from(value).toString("base64"));
  const made = {
    gone: {},
    emptied: { metadata: { name, labels } },
    corrupt: {
      metadata: { name, labels },
      data: { ...data, "keyring.json": text('{"format":"keyturn.dev/keyring/v1"') },
    },
    older: { metadata: { name, labels }, data },
    foreign: { metadata: { name }, data: { "tls.key": text("somebody else's") } },
  };
  await admin.create(folder, made[how]);
}

/** Others are quick, too: a deletion that comes too late is as good. */
export async function remove(path: string): Promise<void> {
  await admin.remove(path).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  });
}

interface Document {
  readonly generation: number;
  readonly keys: readonly { readonly kid: string; readonly state: string; readonly privateJwk?: object }[];
}

const documentIn = (files: Readonly<Record<string, string>>): Document =>
  JSON.parse(files["keyring.json"] ?? "{}") as Document;

/** One signer, which signs what the JWKS verifies; three objects that agree; no orphan key; a status that tells the truth. */
export async function expectSound(rotation: RotationHandle): Promise<void> {
  const [ringFiles, signerFiles, openFiles] = [
    await rotation.data("ring"),
    await rotation.data("signer"),
    await rotation.data("public"),
  ];
  const [ring, signer, open] = [documentIn(ringFiles), documentIn(signerFiles), documentIn(openFiles)];
  expect([signer.generation, open.generation]).toEqual([ring.generation, ring.generation]);
  const kids = ring.keys.map(({ kid }) => kid).sort();
  const active = ring.keys.filter(({ state }) => state === "active");
  expect(active).toHaveLength(1);
  const jwks = JSON.parse(openFiles["jwks.json"] ?? "{}") as { keys: JWK[] };
  expect(jwks.keys.map(({ kid }) => kid).sort()).toEqual(kids);
  expect(openFiles["jwks.json"]).not.toContain('"d"');
  expect(signer.keys.filter(({ privateJwk }) => privateJwk).map(({ kid }) => kid)).toEqual([active[0]?.kid]);
  await expectToSign(signerFiles, jwks);
  const status = await rotation.status();
  expect(holds(status, "Ready")).toBe(true);
  expect(holds(status, "Stalled")).toBe(false);
  expect(status).toMatchObject({ activeKid: active[0]?.kid, ringGeneration: ring.generation });
}

async function expectToSign(files: Readonly<Record<string, string>>, jwks: JSONWebKeySet): Promise<void> {
  const { keys } = JSON.parse(files["private-jwks.json"] ?? "{}") as { keys: (JWK & { kid: string; alg: string })[] };
  const [key] = keys;
  if (key === undefined) throw new Error("there is no signer");
  expect(files["kid"]).toBe(key.kid);
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .setExpirationTime("1m")
    .sign(await importJWK(key, key.alg));
  await jwtVerify(token, createLocalJWKSet(jwks));
}
