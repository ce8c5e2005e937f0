import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { root } from "../../../hack/run.ts";
import { readManifests } from "../../../hack/testcluster/apply.ts";
import {
  holds,
  makeRotation,
  makeScene,
  quick,
  RotationHandle,
  rotationsPath,
  startController,
} from "../controller/support/scene.ts";
import { admin, hasKubectl, kubectl } from "../support/scene.ts";
import { homeOf } from "./support/home.ts";
import { administrator } from "./support/person.ts";

const scene = await makeScene("gitops");
const { namespace } = scene;
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const requestedAt = "keyturn.dev/rotate-requested-at";

interface Manifest {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: object;
}

/** As a GitOps tool applies what stands in its repository. */
async function applied(
  manifest: Manifest,
  { manager = "argocd-controller", force = true } = {},
): Promise<RotationHandle> {
  const { name } = manifest.metadata;
  const body = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", ...manifest };
  const path = `${rotationsPath(namespace)}/${name}?fieldManager=${manager}&force=${force}`;
  await admin.request("PATCH", path, { body, as: "apply" });
  return new RotationHandle(namespace, name);
}

const keyturn = (args: string) => administrator.keyturn(`${args} -n ${namespace}`);

it("a field that a GitOps tool applies is not changed: what to commit is printed, and does it", async () => {
  startController(scene);
  const before = {
    metadata: { name: "gateway", annotations: { [requestedAt]: "one" } },
    spec: { ...calm, activeKid: "" },
  };
  const rotation = await applied(before);
  const { activeKid } = await rotation.ready();

  for (const args of ["rotate gateway", "rotate gateway --wait", `rollback gateway --to ${activeKid ?? ""}`]) {
    const { code, err, out } = await keyturn(args);
    expect(code).toBe(3);
    expect(err).toMatch(
      /^keyturn: error: Cannot change \S+ of \S+: it belongs to "argocd-controller", which would put it back/,
    );
    expect(parse(out)).toMatchObject({ kind: "JwtKeyRotation", metadata: { name: "gateway", namespace } });
  }
  expect(await admin.get(rotation.path)).toMatchObject({ metadata: { annotations: before.metadata.annotations } });

  const { out } = await keyturn("rotate gateway");
  const commit = parse(out) as Manifest;
  await applied({ metadata: { ...before.metadata, ...commit.metadata }, spec: before.spec });
  await rotation.reaches("rotated by the commit", (status) => status.activeKid !== activeKid);
});

it("with --force it is changed all the same, and said whose it was", async () => {
  startController(scene);
  const rotation = await applied({ metadata: { name: "forced", annotations: { [requestedAt]: "one" } }, spec: calm });
  const { activeKid } = await rotation.ready();
  const { code, err } = await keyturn("rotate forced --force --wait --timeout 1m");
  expect(code).toBe(0);
  expect(err).toContain(`metadata.annotations[${requestedAt}] of ${namespace}/forced belongs to "argocd-controller"`);
  await rotation.reaches("rotated", (status) => status.activeKid !== activeKid);
});

it("a field that it does not apply is changed without a word, and stays when it applies again", async () => {
  startController(scene);
  const manifest = { metadata: { name: "beside" }, spec: calm };
  const rotation = await applied(manifest);
  const { activeKid = "" } = await rotation.ready();
  const { code, err } = await keyturn(`rollback beside --to ${activeKid}`);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  await applied(manifest);
  expect(await admin.get(rotation.path)).toMatchObject({ spec: { activeKid } });
});

it("status says who has set a pin that stands in no repository, since when it stops the schedule, and how it ends", async () => {
  startController(scene);
  const manifest = { metadata: { name: "forgotten" }, spec: { ...calm, rotation: { interval: "720h" } } };
  const rotation = await applied(manifest);
  const { activeKid = "" } = await rotation.ready();
  await keyturn(`rollback forgotten --to ${activeKid}`);
  const { conditions } = await rotation.reaches("pinned", (status) => holds(status, "Pinned"));
  const { message } = conditions.find(({ type }) => type === "Pinned") ?? { message: "" };
  const since = /; set by "keyturn-cli", it has stopped the schedule since (\S+)$/.exec(message)?.[1] ?? "";
  const { metadata } = await admin.get(rotation.path);
  expect(Date.parse(since)).toBeGreaterThanOrEqual(Date.parse(String(metadata["creationTimestamp"])));
  const { out } = await keyturn("status forgotten");
  expect(out).toMatch(
    /^ ! Pinned {7}key \S+ stays the signer until it is unpinned; set by "keyturn-cli", it has stopped the schedule since .+ \(.+\)$/m,
  );
  expect(out).toMatch(
    /^ ! Note {9}the pin is not in what "argocd-controller" applies: no commit ends it, "keyturn rollback --unpin" does$/m,
  );
  expect(out).toMatch(/^ Next rotation +none while it is pinned$/m);
  expect((await keyturn("rollback forgotten --unpin")).code).toBe(0);
  await rotation.reaches("unpinned", (status) => !holds(status, "Pinned"));
  expect((await keyturn("status forgotten")).out).not.toContain("the pin is not");
});

it("a pin of the tools is taken over by a tool that forces its commit, by no other, and ends with a commit then", async () => {
  startController(scene);
  const manifest = { metadata: { name: "taken" }, spec: calm };
  const rotation = await applied(manifest);
  const { activeKid = "", keys } = await rotation.ready();
  const standby = keys.find(({ state }) => state === "Prepared")?.kid ?? "";
  await keyturn(`rollback taken --to ${activeKid}`);
  const other = { ...manifest, spec: { ...calm, activeKid: standby } };
  await expect(applied(other, { manager: "helm", force: false })).rejects.toMatchObject({
    status: 409,
    message: expect.stringContaining('conflict with "keyturn-cli"') as string,
  });
  await applied(other);
  await rotation.reaches("the other key", (status) => status.activeKid === standby && holds(status, "Pinned"));
  expect((await keyturn("status taken")).out).toContain(
    'the pin belongs to "argocd-controller": it ends with a commit',
  );
  await applied(manifest);
  await rotation.reaches("unpinned", (status) => !holds(status, "Pinned"));
});

it("the command of docs/gitops.md adds to the settings of Argo CD, and takes nothing away", async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  await admin.create("/api/v1/namespaces", { metadata: { name: "argocd" } });
  onTestFinished(async () => {
    await admin.remove("/api/v1/namespaces/argocd");
  });
  const path = "/api/v1/namespaces/argocd/configmaps";
  await admin.create(path, { metadata: { name: "argocd-cm" }, data: { url: "https://argocd.example" } });
  const page = await readFile(join(root, "docs/gitops.md"), "utf8");
  const [, command = ""] = /^kubectl (-n argocd .*)$/m.exec(page) ?? [];
  await kubectl(...command.split(" "));
  const { data } = await admin.get<{ data: object }>(`${path}/argocd-cm`);
  const customizations = (await readManifests(join(root, "examples/gitops/argocd-cm.yaml")))[0]?.["data"] as object;
  expect(Object.keys(customizations)).toHaveLength(3);
  expect(data).toEqual({ url: "https://argocd.example", ...customizations });
});

it("what somebody asked for by an action of Argo CD is done once, and the tool may ask again", async () => {
  startController(scene);
  const rotation = await applied({ metadata: { name: "clicked" }, spec: calm });
  const { activeKid: first } = await rotation.ready();
  const click = { metadata: { annotations: { [requestedAt]: "2026-11-30T10:00:00Z" } } };
  await admin.merge(`${rotation.path}?fieldManager=argocd-server`, click);
  const { activeKid: second } = await rotation.reaches("rotated", ({ activeKid }) => activeKid !== first);
  await applied({ metadata: { name: "clicked" }, spec: calm });
  await rotation.ready();
  const { code, err } = await keyturn("rotate clicked --wait --timeout 1m");
  const [note] = err.split("\n");
  expect({ code, note }).toEqual({
    code: 0,
    note: `keyturn: note: metadata.annotations[${requestedAt}] of ${namespace}/clicked was set by "argocd-server"`,
  });
  await rotation.reaches("rotated again", ({ activeKid }) => activeKid !== second);
});

it("a field that a person has set is changed, and said who set it", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "person", calm);
  const { activeKid = "" } = await rotation.ready();
  const path = `${rotation.path}?fieldManager=kubectl-edit`;
  await admin.merge(path, { metadata: { annotations: { [requestedAt]: "now" } } });
  await rotation.reaches("rotated", (status) => status.activeKid !== activeKid);
  const { code, err } = await keyturn("rotate person");
  expect(code).toBe(0);
  expect(err).toBe(
    `keyturn: note: metadata.annotations[${requestedAt}] of ${namespace}/person was set by "kubectl-edit"\n`,
  );
  const { metadata } = await admin.get(rotation.path);
  expect(metadata["managedFields"]).toContainEqual(expect.objectContaining({ manager: "keyturn-cli" }));
});

it("what others change at the same time is kept, and so is the change", async () => {
  const rotation = await makeRotation(namespace, "busy", calm);
  const others = ["other-1", "other-2"];
  const home = homeOf(namespace, "busy", {
    beforePatch: async () => {
      const kid = others.shift();
      if (kid === undefined) return;
      const { spec } = await admin.get<{ spec?: { revokedKids?: readonly object[] } }>(rotation.path);
      await rotation.edit({ revokedKids: [...(spec?.revokedKids ?? []), { kid }] });
    },
  });
  await home.change({ kind: "revoke", kid: "mine", reason: "stolen" });
  expect(await admin.get(rotation.path)).toMatchObject({
    spec: { revokedKids: [{ kid: "other-1" }, { kid: "other-2" }, { kid: "mine", reason: "stolen" }] },
  });
});

it("who is always too late says so, and has changed nothing", async () => {
  const rotation = await makeRotation(namespace, "late", calm);
  let edits = 0;
  const home = homeOf(namespace, "late", {
    beforePatch: () => rotation.annotate({ "example.com/edit": String(edits++) }),
  });
  await expect(home.change({ kind: "pin", kid: "some-kid" })).rejects.toMatchObject({
    name: "TryLaterError",
    code: "Conflict",
  });
  expect(edits).toBe(5);
  expect((await admin.get(rotation.path))["spec"]).not.toHaveProperty("activeKid");
});

it("what the rules of a rotation refuse is refused in the words of the resource, and never sent", async () => {
  const rotation = await makeRotation(namespace, "ruled", calm);
  let sent = 0;
  const home = homeOf(namespace, "ruled", {
    beforePatch: async () => {
      sent += 1;
    },
  });
  await expect(home.change({ kind: "pin", kid: "a\nb" })).rejects.toMatchObject({
    code: "InvalidSpec",
    message: expect.stringContaining("spec.activeKid: must be a text of 1 to 256 characters") as string,
  });
  expect(sent).toBe(0);
  expect((await admin.get(rotation.path))["spec"]).not.toHaveProperty("activeKid");
});
