import { mkdir, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../../src/crypto/keypair.ts";
import { pkcs8Pem, spkiPem } from "../../../src/crypto/pem.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { hour, minute } from "../fake-time.ts";
import { hookedDisk } from "../hooked-disk.ts";
import { pairOf } from "../../support/keys.ts";
import { resource } from "../resource.ts";
import { isIdle, kidsOf, newWorld, type World } from "../world.ts";

async function withFiles(files: Record<string, string>): Promise<World> {
  const world = await newWorld();
  await mkdir(world.path("signer"), { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) await writeFile(world.path("signer", name), text);
  return world;
}

async function threeFiles(kid = "old-key"): Promise<Record<string, string>> {
  const { material } = await generateKey("ES256");
  return { "signing.pem": pkcs8Pem(material.privateJwk), "public.pem": spkiPem(material.publicJwk), kid: `${kid}\n` };
}

describe("adoption", () => {
  test("three files become the signer under its old kid, behind links to the same key", async () => {
    const files = await threeFiles();
    const world = await withFiles(files);
    const ring = await world.settle();
    expect(ring.signer).toMatchObject({ kid: "old-key", adoptedAtMs: world.time.wallMs, canSign: true });
    expect(ring.standby).toBeDefined();
    for (const name of Object.keys(files)) {
      expect(await readlink(world.path("signer", name))).toBe(`..data/${name}`);
    }
    expect(await world.text("signer", "signing.pem")).toBe(files["signing.pem"]);
    expect(await world.text("signer", "kid")).toBe("old-key");
    expect(world.log.lines[0]?.fields).toMatchObject({ step: "adopt" });
  });

  test("an RSA key in PEM is for the algorithm that the adoption names, and the log says that it was the spec's word", async () => {
    const { material } = pairOf("RS256");
    const files = {
      "signing.pem": pkcs8Pem(material.privateJwk),
      "public.pem": spkiPem(material.publicJwk),
      kid: "rsa",
    };
    const world = await withFiles(files);
    const config = resource({ algorithm: "PS256", adoption: { algorithm: "RS384" } });
    const ring = await world.settle({ config: { resource: config } });
    expect(ring.signer).toMatchObject({ kid: "rsa", profile: { algorithm: "RS384" } });
    expect(ring.standby?.profile.algorithm).toBe("PS256");
    expect(world.log.lines[0]?.message).toBe(
      "key rsa (RS384, which the spec says and the key does not) is adopted as the signer",
    );
  });

  test("a kid with a byte order mark is refused, as no token says it", async () => {
    const files = await threeFiles();
    const world = await withFiles({ ...files, kid: "\uFEFFold-key" });
    await world.run({ until: isIdle });
    expect(world.log.texts("error")).toEqual([expect.stringContaining("without a byte order mark")]);
    await writeFile(world.path("signer", "kid"), Buffer.from([0x6f, 0xff, 0x6c]));
    await world.run({ until: isIdle });
    expect(world.log.texts("error").at(-1)).toContain("must be UTF-8");
    expect(await world.ringFiles()).toEqual([]);
  });

  test("it rotates first on a request", async () => {
    const world = await withFiles(await threeFiles());
    const first = await world.settle();
    await world.runFor(3 * hour);
    expect((await world.ring()).signer.kid).toBe("old-key");
    await world.writeOverrides({ rotateRequestedAt: "go" });
    await world.settle();
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });

  test("a JWKS of several keys: the first one signs, the others verify for a window", async () => {
    const keys = await Promise.all([generateKey("ES256"), generateKey("EdDSA"), generateKey("ES384")]);
    const algorithms = ["ES256", "EdDSA", "ES384"];
    const jwks = {
      keys: keys.map(({ material }, index) => ({
        ...(index === 0 ? material.privateJwk : material.publicJwk),
        kid: `old-${index}`,
        alg: algorithms[index],
      })),
    };
    const world = await withFiles({ "private-jwks.json": JSON.stringify(jwks) });
    const ring = await world.settle();
    expect(ring.signer.kid).toBe("old-0");
    expect(ring.retiring.map(({ kid, profile }) => [kid, profile.algorithm])).toEqual([
      ["old-1", "EdDSA"],
      ["old-2", "ES384"],
    ]);
    const shown = JSON.parse(await world.text("public", "jwks.json")) as { keys: { kid: string }[] };
    expect(shown.keys.map(({ kid }) => kid)).toEqual(kidsOf(ring));
    await world.runFor(hour);
    expect(kidsOf(await world.ring())).not.toContain("old-1");
  });

  test.each([
    ["a fourth file", { notes: "x" }, "must be empty or hold exactly"],
    ["another key's public half", { "public.pem": "other" }, "public.pem"],
    ["no key at all", { "signing.pem": "-----BEGIN CERTIFICATE-----" }, "signing.pem"],
  ])("refuses %s, and touches nothing", async (_, change, problem) => {
    const files = { ...(await threeFiles()), ...change };
    const world = await withFiles(files);
    await world.run({ until: isIdle });
    expect(world.log.texts("error")).toEqual([expect.stringContaining(problem)]);
    expect(world.log.texts("error")[0]).not.toMatch(/BEGIN|MIG/);
    expect((await readdir(world.path("signer"))).sort()).toEqual(Object.keys(files).sort());
    expect(await world.ringFiles()).toEqual([]);
  });

  test("refuses plain keys beside a ring that does not know them", async () => {
    const world = await newWorld();
    await world.settle();
    await rm(world.path("signer"), { recursive: true });
    await mkdir(world.path("signer"));
    for (const [name, text] of Object.entries(await threeFiles())) await writeFile(world.path("signer", name), text);
    await world.run({ until: isIdle });
    expect(world.log.texts("error")).toEqual([
      "stalled: the signer object is not Keyturn's: it holds a key that the ring does not know; move it away, or remove the ring to adopt it",
    ]);
  });

  const everywhere = { timeout: 120_000 };
  test("goes on wherever it is interrupted, and readers of the old files always have the key", everywhere, async () => {
    for (let stopAt = 1; ; stopAt++) {
      const files = await threeFiles();
      const world = await withFiles(files);
      let effects = 0;
      const dead = new Error("the process is dead");
      const disk = hookedDisk(
        {
          before: () => {
            if (++effects >= stopAt) throw dead;
          },
        },
        nodeDisk(),
      );
      const died = await world.settle({ disk }).then(
        () => false,
        (error: unknown) => error === dead,
      );
      // Whoever reads the three files reads the one key, before, during and after
      expect(await world.text("signer", "signing.pem"), `effect ${stopAt}`).toBe(files["signing.pem"]);
      const ring = await world.settle();
      expect(ring.signer.kid, `effect ${stopAt}`).toBe("old-key");
      expect(ring.retiring, `effect ${stopAt}`).toEqual([]);
      world.time.pass(minute);
      if (!died) break;
    }
  });
});
