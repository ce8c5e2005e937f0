import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import {
  holds,
  makeRotation,
  makeScene,
  type RotationHandle,
  quick,
  startController,
} from "../controller/support/scene.ts";
import { backUp, damage, remove, roles } from "../controller/support/objects.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { admin } from "../support/scene.ts";
import { homeOf } from "./support/home.ts";
import { administrator, type Ended, makeFolder } from "./support/person.ts";

const scene = await makeScene("tools");
const { namespace } = scene;
/** Long enough windows that nothing is pruned meanwhile. */
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };

const on = ({ name }: RotationHandle, args: string, input = ""): Promise<Ended> =>
  administrator.keyturn(args.replace("NAME", name) + ` --namespace ${namespace}`, { input });
const done = async (ended: Promise<Ended>): Promise<Ended> => {
  const all = await ended;
  expect(all).toMatchObject({ code: 0 });
  return all;
};

async function ready(name: string): Promise<RotationHandle> {
  const rotation = await makeRotation(namespace, name, calm);
  await done(on(rotation, "wait NAME --for=Ready --timeout 1m"));
  return rotation;
}

it("look: status, plan, timeline and jwks show what the controller reports", async () => {
  startController(scene);
  const rotation = await ready("look");
  const reported = await rotation.ready();
  const { out } = await done(on(rotation, "status NAME"));
  expect(out).toContain(`${namespace}/look  context keyturn-test`);
  expect(out).toContain(`key ${reported.activeKid?.slice(0, 8) ?? ""}.. signs, and every verifier accepts it`);
  const { status } = JSON.parse((await done(on(rotation, "status NAME -o json"))).out) as { status: object };
  const { conditions, keys, ringGeneration, activeKid } = reported;
  expect(status).toMatchObject({ keys, ringGeneration, activeKid });
  expect(status).toHaveProperty(
    "conditions",
    conditions.map(({ type, status: is, reason, message }) => ({ type, status: is, reason, message })),
  );
  expect(parse((await done(on(rotation, "plan NAME -o yaml"))).out)).toBeTypeOf("object");
  expect((await done(on(rotation, "timeline NAME"))).out).toContain("prepared");
  expect((await done(on(rotation, "jwks NAME"))).out).toBe((await rotation.data("public"))["jwks.json"]);
});

it("act: rotate, roll back, unpin, revoke one and all, each to its end", async () => {
  startController(scene);
  const rotation = await ready("act");
  const { activeKid: first = "" } = await rotation.ready();

  const rotated = await done(on(rotation, "rotate NAME --wait --timeout 1m"));
  expect(rotated.out).toContain(`Rotation of ${namespace}/act requested\nRotated: key `);
  expect(rotated.err).toContain(`key ${first.slice(0, 8)}.. signs no longer`);
  const { activeKid: second = "" } = await rotation.reaches("rotated", ({ activeKid }) => activeKid !== first);

  await done(on(rotation, "rollback NAME --wait --timeout 1m"));
  expect(await rotation.reaches("pinned", (status) => holds(status, "Pinned"))).toMatchObject({ activeKid: first });
  await done(on(rotation, "rollback NAME --unpin"));
  await rotation.reaches("unpinned", (status) => !holds(status, "Pinned"));

  await done(on(rotation, `revoke ${second.slice(0, 10)} NAME --reason stolen --wait --timeout 1m`));
  expect((await done(on(rotation, "status NAME"))).out).toMatch(new RegExp(`${second.slice(0, 8)}.*stolen`));

  // By a clock that is an hour behind, now would be before any key was made
  const leaked = await administrator.keyturn(
    `revoke ${rotation.name} --created-before now --wait --timeout 1m -n ${namespace}`,
    { aheadMs: -3_600_000 },
  );
  expect(leaked).toMatchObject({ code: 0 });
  const after = await rotation.ready();
  expect(after.keys.map(({ kid }) => kid)).not.toContain(first);
  expect((await done(on(rotation, "revoke NAME --created-before 2026-01-01T00:00:00Z"))).out).toContain("No key of");
});

it("a pinned key that is revoked is unpinned in the same change", async () => {
  startController(scene);
  const rotation = await ready("pinned");
  const { activeKid = "" } = await rotation.ready();
  await done(on(rotation, `rollback NAME --to ${activeKid} --wait --timeout 1m`));
  await done(on(rotation, `revoke ${activeKid} NAME --reason stolen --wait --timeout 1m`));
  expect((await rotation.ready()).activeKid).not.toBe(activeKid);
});

it("try: a token of the Secret is valid until its key is revoked", async () => {
  startController(scene);
  const rotation = await ready("try");
  const { out: token } = await done(on(rotation, "token mint NAME --sub alice --ttl 5m"));
  expect((await done(on(rotation, "token verify - NAME", token))).out).toContain('valid for "alice"');
  const { activeKid = "" } = await rotation.ready();
  await done(on(rotation, `revoke ${activeKid} NAME --reason stolen --wait --timeout 1m`));
  const refused = await on(rotation, "token verify - NAME", token);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.out).toContain("refused, KeyRevoked");
  expect(refused.out).not.toContain(token.slice(0, 20));
});

it("recover: says before and after where it keeps what it does not take over", async () => {
  const controller = startController(scene);
  const rotation = await ready("kept");
  const backup = await backUp(rotation);
  await controller.stop();
  await damage(rotation, { role: "ring", how: "corrupt", backup });
  startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await rotation.stalled("RingUnreadable");

  const place = /secrets "\S+\/(kept-set-aside-[0-9a-f]{12})"/;
  const dry = await done(on(rotation, "recover NAME --dry-run"));
  expect(dry.err).toMatch(/secrets "\S+\/kept-ring" holds what is not taken over: it is kept in secrets/);
  const [said = "", name = ""] = place.exec(dry.err) ?? [];
  const path = `${rotation.objectPath("ring").replace(/\/[^/]+$/, "")}/${name}`;
  await expect(admin.get(path)).rejects.toMatchObject({ status: 404 });
  const { out } = await done(on(rotation, "recover NAME --wait --timeout 1m"));
  expect(out).toContain(`; what was not taken over is kept in ${said}`);
  expect(await admin.get(path)).toMatchObject({ data: { "keyring.json": expect.any(String) as unknown } });
});

it("recover: asked for by the API server's clock, with the keys that are brought along", async () => {
  const controller = startController(scene);
  const rotation = await ready("recover");
  const { out: saved } = await done(on(rotation, "jwks NAME"));
  const { activeKid = "" } = await rotation.ready();
  // A pass in between would rebuild the ring from what is left
  await controller.stop();
  for (const role of roles) await remove(rotation.objectPath(role));
  startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await rotation.stalled("RingRolledBack");
  expect(await on(rotation, "rotate NAME")).toMatchObject({ code: 3 });

  const dir = await makeFolder();
  const file = join(dir, "saved.json");
  await writeFile(file, '{"keys":[]}');
  const wrong = await on(rotation, `recover NAME --jwks ${file}`);
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.err).toContain("Cannot read JWKS: $.keys: must have at least one item");

  await writeFile(file, saved);
  const args = `recover ${rotation.name} --jwks ${file} --wait --timeout 1m -n ${namespace}`;
  const recovered = await administrator.keyturn(args, { aheadMs: -3_600_000 });
  expect(recovered).toMatchObject({ code: 0 });
  const { keys } = await rotation.ready();
  expect(keys).toContainEqual(expect.objectContaining({ kid: activeKid, state: "VerifyOnly" }));
  expect(await on(rotation, "recover NAME")).toMatchObject({ code: 3 });
});

it.each([
  ["after a stall that the controller's clock has in the future", "future", 20_000],
  ["now, by the API server's clock", "past", -3_600_000],
  ["now, where nobody has reported the stall yet", "unreported", undefined],
])("a recovery is asked for %s", async (_, name, stalledInMs) => {
  const { path } = await makeRotation(namespace, name, calm);
  const stalledAtMs = Math.floor((Date.now() + (stalledInMs ?? 0)) / 1000) * 1000;
  const lastTransitionTime = new Date(stalledAtMs).toISOString();
  const stalled = { type: "Stalled", status: "True", reason: "RingRolledBack", message: "x", lastTransitionTime };
  const conditions = stalledInMs === undefined ? [] : [stalled];
  await admin.merge(`${path}/status`, { status: { observedGeneration: 1, conditions } });
  const home = homeOf(namespace, name, { clock: { ...systemClock, nowMs: () => 0 } });
  const sinceMs = Date.now();
  await home.change({ kind: "recover", requestedAtMs: 0 });
  const { metadata } = await admin.get(path);
  const askedAtMs = Date.parse(metadata.annotations?.["keyturn.dev/recover-requested-at"] ?? "");
  if (stalledInMs !== undefined && stalledInMs > 0) expect(askedAtMs).toBe(stalledAtMs + 1);
  // A Date header has whole seconds: what it can't tell must not make the request an old one
  else expect(askedAtMs).toBeGreaterThanOrEqual(sinceMs);
});
