import { expect, it, vi } from "vitest";
import { pkcs8Pem, spkiPem } from "../../../src/crypto/pem.ts";
import { pairOf } from "../../support/keys.ts";
import { admin } from "../support/scene.ts";
import { makeRotation, makeScene, quick, startController } from "./support/scene.ts";

const scene = await makeScene("copies");
const { material } = pairOf("ES256", 6);
const files = {
  "signing.pem": pkcs8Pem(material.privateJwk),
  "public.pem": spkiPem(material.publicJwk),
  kid: "old-key",
};

/** As `kubectl apply` keeps it. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

it("no copy of an adopted private half is left in the metadata, at adoption and at each write", async () => {
  const name = "applied";
  const data = Object.fromEntries(
    Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString("base64")]),
  );
  const applied = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name }, data });
  const secrets = `/api/v1/namespaces/${scene.namespace}/secrets`;
  const annotations = {
    [lastApplied]: applied,
    "example.com/stringData": JSON.stringify(files),
    "example.com/note": "kept",
  };
  await admin.create(secrets, { metadata: { name, annotations }, data });
  startController(scene);
  const rotation = await makeRotation(scene.namespace, name, { ...quick, adoption: { maxTTL: "2s" } });
  expect((await rotation.ready()).activeKid).toBe("old-key");
  const notes = async (): Promise<object> =>
    (await admin.get<{ metadata: { annotations: object } }>(`${secrets}/${name}`)).metadata.annotations;
  expect(Object.keys(await notes()).sort()).toEqual(["example.com/note", "keyturn.dev/adopted"]);

  // Somebody applies the old manifest once more: the policy lets metadata through, and the next pass takes it away again
  await admin.merge(`${secrets}/${name}`, { metadata: { annotations: { [lastApplied]: applied } } });
  await rotation.annotate({ "example.com/look": "1" });
  await vi.waitFor(async () => expect(await notes()).not.toHaveProperty([lastApplied]), {
    timeout: 120_000,
    interval: 50,
  });

  await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
  await rotation.reaches("without the old key", ({ keys }) => keys.every(({ kid }) => kid !== "old-key"));
  await rotation.ready();
  const old = [files["signing.pem"], material.privateJwk].map((half) =>
    typeof half === "string" ? Buffer.from(half).toString("base64") : "d" in half ? half.d : "",
  );
  for (const role of ["ring", "signer", "public"] as const) {
    const text = JSON.stringify(await admin.get(rotation.objectPath(role)));
    for (const half of old) expect(text).not.toContain(half);
  }
});
