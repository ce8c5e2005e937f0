import { expect, it, vi } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { pkcs8Pem } from "../../../src/crypto/pem.ts";
import { pairOf } from "../../support/keys.ts";
import { admin } from "../support/scene.ts";
import { backUp, type Backup, expectSound, remove, type Role } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "./support/scene.ts";

const scene = await makeScene("recovery");

type Data = Readonly<Record<string, string>>;
/** Which entries are left of each object; `damaged` of the ring: its document can't be read. An object without entries is gone. */
type Left = Readonly<Partial<Record<"signer" | "public", readonly string[]>>> & { readonly ring?: "damaged" };

const everything = ["keyring.json", "jwks.json", "private-jwks.json", "signing.pem", "public.pem", "kid"];
const beside = everything.filter((name) => name !== "keyring.json");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function put(
  rotation: RotationHandle,
  { role, backup, binaryData = {} }: { readonly role: Role; readonly backup: Backup; readonly binaryData?: Data },
  data: Data | undefined,
): Promise<void> {
  const path = rotation.objectPath(role);
  await remove(path);
  if (data === undefined) return;
  const { name, labels } = (backup[role] as { metadata: { name: string; labels: object } }).metadata;
  await admin.create(path.slice(0, path.lastIndexOf("/")), {
    metadata: { name, labels },
    data,
    ...(Object.keys(binaryData).length > 0 && { binaryData }),
  });
}

function leftOf(backup: Backup, role: "signer" | "public", names: readonly string[] | undefined): Data | undefined {
  if (names === undefined) return undefined;
  const { data } = backup[role] as unknown as { data: Data };
  const damaged = role === "public" ? "damaged" : base64("damaged");
  const kept = Object.entries(data).filter(([name]) => names.includes(name));
  return { "keyring.json": damaged, ...Object.fromEntries(kept) };
}

/** Every Secret that keeps what could not be taken over. */
async function setAside(rotation: RotationHandle): Promise<readonly KubeObject[]> {
  const folder = rotation.objectPath("ring").replace(/\/[^/]+$/, "");
  const selector = `keyturn.dev/rotation=${rotation.name},keyturn.dev/object=set-aside`;
  const { items } = await admin.get<{ items: KubeObject[] }>(`${folder}?labelSelector=${selector}`);
  return items;
}

const later = (): string => new Date(Date.now() + 1000).toISOString();
const soon = { timeout: 120_000, interval: 100 };
let rows = 0;

/** s: the signer before, p: its standby, +: a key that was not there before. */
it.each<readonly [Left, signs: string, verifies: string]>([
  [{ signer: everything, ring: "damaged" }, "s", "p"],
  [{ signer: beside, public: ["jwks.json"], ring: "damaged" }, "s", "p"],
  [{ signer: ["signing.pem", "public.pem", "kid"] }, "s", ""],
  [{ signer: ["signing.pem"], public: ["jwks.json"] }, "s", "p"],
  [{ signer: ["private-jwks.json"], public: ["keyring.json"] }, "s", "p"],
  [{ signer: ["jwks.json"], ring: "damaged" }, "+", "ps"],
  [{ public: ["jwks.json"] }, "+", "ps"],
])("of %j a recovery makes: %s signs, %s verify", async (left, signs, verifies) => {
  const controller = startController(scene);
  const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
  const rotation = await makeRotation(scene.namespace, `row-${rows++}`, calm);
  const before = await rotation.ready();
  const backup = await backUp(rotation);
  await controller.stop();
  await put(rotation, { role: "ring", backup }, left.ring && { "keyring.json": base64("damaged") });
  for (const role of ["signer", "public"] as const)
    await put(rotation, { role, backup }, leftOf(backup, role, left[role]));
  startController(scene);
  // With a projection that is whole there is nothing to ask for
  const asks = left.ring !== undefined || left.public?.includes("keyring.json") !== true;
  if (asks) {
    await rotation.annotate({ "example.com/look": "1" });
    await vi.waitFor(async () => {
      const { conditions } = await rotation.status();
      expect(conditions).toContainEqual(expect.objectContaining({ type: "Stalled", status: "True" }));
    }, soon);
  }
  await rotation.annotate({ "keyturn.dev/recover-requested-at": later() });
  await vi.waitFor(() => expectSound(rotation), soon);
  const after = await rotation.status();
  const standby = before.keys.find(({ state }) => state === "Prepared")?.kid;
  const short = (kid: string): string => (kid === before.activeKid ? "s" : kid === standby ? "p" : "+");
  const verify = after.keys.flatMap(({ kid, state }) => (state === "VerifyOnly" ? [short(kid)] : []));
  expect([short(after.activeKid ?? ""), verify.sort().join("")]).toEqual([signs, verifies]);
  const kept = await setAside(rotation);
  expect(kept).toHaveLength(left.ring === undefined ? 0 : 1);
  if (left.ring !== undefined) expect(kept[0]?.["data"]).toEqual({ "keyring.json": base64("damaged") });
});

it("keeps a key that nobody knows in a Secret of its own, before it writes over it", async () => {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, "stranger");
  await rotation.ready();
  const backup = await backUp(rotation);
  await controller.stop();
  const pem = base64(pkcs8Pem(pairOf("ES256", 5).material.privateJwk));
  const mine = base64("mine");
  await put(rotation, { role: "signer", backup }, { "signing.pem": pem, "keyring.json": base64("{}"), mine });
  const next = startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await vi.waitFor(() => expectSound(rotation), soon);
  const [kept, ...more] = await setAside(rotation);
  expect(more).toEqual([]);
  expect(kept?.["data"]).toMatchObject({ "signing.pem": pem });
  expect(kept?.["data"]).not.toHaveProperty("mine");
  expect((kept as unknown as { metadata: object }).metadata).not.toHaveProperty("ownerReferences");
  expect((await admin.get<{ data: Data }>(rotation.objectPath("signer"))).data["mine"]).toBe(mine);
  expect(next.problems).toEqual([]);
});

it.each<readonly [Role, "data" | "binaryData"]>([
  ["signer", "data"],
  ["public", "data"],
  ["public", "binaryData"],
  ["ring", "data"],
])("keeps a foreign signing.pem from %s.%s beside a document that is whole", async (role, field) => {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, `beside-${role}-${field.toLowerCase()}`);
  const before = await rotation.ready();
  await controller.stop();
  const backup = await backUp(rotation);
  const pem = pkcs8Pem(pairOf("ES256", 6).material.privateJwk);
  const strange = { "signing.pem": role === "public" && field === "data" ? pem : base64(pem) };
  const { data } = backup[role] as unknown as { data: Data };
  await (field === "data"
    ? put(rotation, { role, backup }, { ...data, ...strange })
    : put(rotation, { role, backup, binaryData: strange }, data));
  startController(scene);
  // The ring object is written with the next ring alone
  await rotation.annotate({ "keyturn.dev/rotate-requested-at": later() });
  await vi.waitFor(async () => expect((await rotation.status()).activeKid).not.toBe(before.activeKid), soon);
  await vi.waitFor(() => expectSound(rotation), soon);
  const object = await admin.get<{ data: Data; binaryData?: Data }>(rotation.objectPath(role));
  expect([object.data["signing.pem"], object.binaryData?.["signing.pem"]]).not.toContain(strange["signing.pem"]);
  expect((await setAside(rotation)).map((kept) => kept["data"])).toEqual([{ "signing.pem": base64(pem) }]);
});

it("finds a document in binaryData, and writes it where readers look", async () => {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, "binary");
  const before = await rotation.ready();
  await controller.stop();
  const backup = await backUp(rotation);
  const { data } = backup.public as unknown as { data: Data };
  const { "keyring.json": text = "", ...others } = data;
  for (const role of ["ring", "signer"] as const) await remove(rotation.objectPath(role));
  await put(rotation, { role: "public", backup, binaryData: { "keyring.json": base64(text) } }, others);
  startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await vi.waitFor(() => expectSound(rotation), soon);
  expect((await rotation.status()).keys.map(({ kid }) => kid)).toContain(before.activeKid);
  const object = await admin.get<{ data: Data; binaryData?: Data }>(rotation.objectPath("public"));
  expect(object.data["keyring.json"]).toContain("keyturn.dev");
  expect(object.binaryData?.["keyring.json"]).toBeUndefined();
  expect(await setAside(rotation)).toEqual([]);
});
