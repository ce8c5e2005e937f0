import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair } from "jose";
import { describe, expect, it, vi } from "vitest";
import { systemClock } from "../../../src/time/clock.ts";
import { annotations as names } from "../../../src/parse/api-names.ts";
import { admin, exists, gone, hasKubectl, kubectl, sees } from "../support/scene.ts";
import { expectSound, roles } from "./support/objects.ts";
import {
  account,
  holds,
  makeRotation,
  makeScene,
  quick,
  RotationHandle,
  rotationsPath,
  startController,
} from "./support/scene.ts";

const scene = await makeScene("resource");
const { namespace } = scene;
const secretsPath = `/api/v1/namespaces/${namespace}/secrets`;
const eventsPath = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
const instant = { ...quick, propagation: { minimum: "0s" } };
const soon = { timeout: 120_000, interval: 50 };

interface Meta {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly uid: string; readonly kind: string }[];
}

const metaOf = async (rotation: RotationHandle, role: (typeof roles)[number]): Promise<Meta> =>
  (await admin.get(rotation.objectPath(role))).metadata as unknown as Meta;

/** A Secret of the older, single-key kind. */
async function makeThreeFiles(name: string): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const files = {
    "signing.pem": await exportPKCS8(privateKey),
    "public.pem": await exportSPKI(publicKey),
    kid: "old-1",
  };
  const data = Object.fromEntries(
    Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
  );
  await admin.create(secretsPath, { metadata: { name, labels: { chart: "old" } }, data });
  return JSON.stringify(await exportJWK(publicKey));
}

describe("a JwtKeyRotation", () => {
  it("of ten lines gives a rotating Secret, by kubectl apply", async (context) => {
    if (!hasKubectl) context.skip("there is no kubectl");
    startController(scene);
    await kubectl("apply", "-n", namespace, "-f", "examples/jwtkeyrotation.yaml");
    const rotation = new RotationHandle(namespace, "gateway-jwt");
    await rotation.reaches("a ring", ({ activeKid }) => activeKid !== undefined);
    const table = await kubectl("get", "jkr", "-n", namespace);
    expect(table).toMatch(/NAME +READY +REASON +ACTIVE +NEXT +AGE/);
    await kubectl("wait", "-n", namespace, "jkr/gateway-jwt", "--for=condition=Ready", "--timeout=60s");
    await kubectl("delete", "-n", namespace, "jkr", "gateway-jwt");
  });

  it("adopts a Secret of the older kind, waits for a request, and never deletes it", async () => {
    const publicJwk = await makeThreeFiles("adopted");
    startController(scene);
    const rotation = await makeRotation(namespace, "adopted", {
      ...instant,
      deletionPolicy: "Delete",
      rotation: { interval: "2s" },
    });
    const status = await rotation.reaches("adopted", (now) => {
      return now.conditions.some(({ reason }) => reason === "AdoptionPending") && holds(now, "Ready");
    });
    expect(status.activeKid).toBe("old-1");
    const { keys } = JSON.parse((await rotation.data("public"))["jwks.json"] ?? "") as { keys: readonly object[] };
    expect(keys).toContainEqual(expect.objectContaining(JSON.parse(publicJwk) as object));
    const meta = await metaOf(rotation, "signer");
    expect(meta.labels).toMatchObject({ chart: "old", "keyturn.dev/object": "signer" });
    expect(meta.ownerReferences).toBeUndefined();
    expect((await metaOf(rotation, "ring")).ownerReferences).toHaveLength(1);
    await rotation.edit({ rotation: { requestID: "go" } });
    await rotation.reaches("rotated", ({ activeKid }) => activeKid !== "old-1");
    await admin.remove(rotation.path);
    await gone(rotation.objectPath("ring"));
    expect(await exists(rotation.objectPath("signer"))).toBe(true);
  });

  it("does not touch a Secret of somebody else, and says so", async () => {
    await admin.create(secretsPath, { metadata: { name: "theirs" }, data: { password: "eA==" } });
    startController(scene);
    const rotation = await makeRotation(namespace, "theirs", instant);
    const { conditions } = await rotation.stalled("SecretConflict");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain(`secrets "${namespace}/theirs"`);
    expect((await admin.get<{ data: object }>(`${secretsPath}/theirs`)).data).toEqual({ password: "eA==" });
    expect(await exists(rotation.objectPath("ring"))).toBe(false);
  });

  it("is refused a Secret that another one has", async () => {
    startController(scene);
    const first = await makeRotation(namespace, "first", instant);
    await first.ready();
    const second = await makeRotation(namespace, "second", { ...instant, secretName: "first" });
    const { conditions } = await second.stalled("SecretConflict");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain('"first"');
    await expectSound(first);
  });

  it("puts its template's labels on all three objects, its annotations on what it lets out, and takes away what it no longer has", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "template", {
      ...instant,
      secretTemplate: { labels: { team: "a", tier: "x" }, annotations: { note: "b" }, ringAnnotations: { owner: "c" } },
    });
    await rotation.ready();
    for (const role of roles) {
      const { labels, annotations } = await metaOf(rotation, role);
      expect(labels).toMatchObject({ team: "a", tier: "x", "keyturn.dev/namespace": namespace });
      const wanted = role === "ring" ? "owner" : "note";
      expect(Object.keys(annotations ?? {}).toSorted()).toEqual([names.template, wanted].toSorted());
    }
    const { ringGeneration } = await rotation.status();
    for (const role of roles)
      await admin.merge(rotation.objectPath(role), { metadata: { labels: { foreign: "kept" } } });
    await rotation.edit({
      secretTemplate: { labels: { tier: null, team: "c" }, annotations: null, ringAnnotations: null },
    });
    await vi.waitFor(async () => {
      for (const role of roles) {
        const { labels, annotations = {} } = await metaOf(rotation, role);
        expect(labels).toMatchObject({ team: "c", foreign: "kept" });
        expect(Object.keys(labels)).not.toContain("tier");
        expect(Object.keys(annotations)).toEqual([names.template]);
      }
    }, soon);
    expect((await rotation.status()).ringGeneration).toBe(ringGeneration);
    // And what somebody else takes away comes back
    await admin.merge(rotation.objectPath("ring"), { metadata: { labels: { team: null } } });
    await rotation.annotate({ "example.com/look": "1" });
    await vi.waitFor(async () => expect((await metaOf(rotation, "ring")).labels).toMatchObject({ team: "c" }), soon);
    await rotation.edit({ secretTemplate: null });
    await vi.waitFor(async () => {
      for (const role of roles) {
        const { labels, annotations = {} } = await metaOf(rotation, role);
        expect(Object.keys(labels)).not.toContain("team");
        expect(Object.keys(annotations)).not.toContain(names.template);
      }
    }, soon);
  });

  it("that is deleted leaves its keys, and made again goes on with them", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "retained", instant);
    const before = await rotation.ready();
    await admin.remove(rotation.path);
    await gone(rotation.path);
    for (const role of roles) expect(await exists(rotation.objectPath(role))).toBe(true);
    const again = await makeRotation(namespace, "retained", instant);
    const after = await again.ready();
    expect([after.activeKid, after.ringGeneration]).toEqual([before.activeKid, before.ringGeneration]);
  });

  it("that is made again over its keys with another requestID does not rotate, and does at the next edit of it", async () => {
    startController(scene);
    const asking = (requestID: string) => ({ ...instant, rotation: { interval: "0s", requestID } });
    const rotation = await makeRotation(namespace, "again", asking("a"));
    const before = await rotation.ready();
    await admin.remove(rotation.path);
    await gone(rotation.path);
    const again = await makeRotation(namespace, "again", asking("b"));
    const after = await again.reaches("seen", (now) => holds(now, "Ready") && now["lastHandledRequestID"] === "b");
    expect(after.activeKid).toBe(before.activeKid);
    await again.edit({ rotation: { requestID: "c" } });
    await again.reaches("rotated", (now) => now.activeKid !== before.activeKid);
  });

  it("that is made again over its keys with an annotation that asks does not rotate, and does when that changes", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "annotated", instant);
    const before = await rotation.ready();
    await admin.remove(rotation.path);
    await gone(rotation.path);
    const annotations = { [names.rotateRequestedAt]: "a" };
    await admin.create(rotationsPath(namespace), {
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name: "annotated", annotations },
      spec: instant,
    });
    const after = await rotation.reaches("seen", (now) => holds(now, "Ready") && now["lastHandledRequestID"] === "a");
    expect(after.activeKid).toBe(before.activeKid);
    await admin.request("PATCH", `${rotation.path}?fieldManager=somebody`, {
      body: { metadata: { annotations: { [names.rotateRequestedAt]: "b" } } },
      as: "merge",
    });
    await rotation.reaches("rotated", (now) => now.activeKid !== before.activeKid);
  });

  it("with deletionPolicy Delete takes its keys along; changed to Retain it does not", async () => {
    startController(scene);
    const [rotation, kept] = [
      await makeRotation(namespace, "deleted", { ...instant, deletionPolicy: "Delete" }),
      await makeRotation(namespace, "kept", { ...instant, deletionPolicy: "Delete" }),
    ];
    await rotation.ready();
    await kept.ready();
    await kept.edit({ deletionPolicy: "Retain" });
    await vi.waitFor(async () => {
      for (const role of roles) expect((await metaOf(kept, role)).ownerReferences).toBeUndefined();
    }, soon);
    for (const one of [rotation, kept]) await admin.remove(one.path);
    for (const role of roles) await gone(rotation.objectPath(role));
    for (const role of roles) expect(await exists(kept.objectPath(role))).toBe(true);
  });

  it("that is stalled still gives its objects free under Retain, with their data as they are", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "freed", { ...instant, deletionPolicy: "Delete" });
    await rotation.ready();
    const path = rotation.objectPath("ring");
    const { metadata } = await admin.get(path);
    const { labels, ownerReferences } = metadata as unknown as Meta;
    const data = { "keyring.json": "/wD+gICA" };
    await admin.remove(path);
    await admin.create(secretsPath, { metadata: { name: metadata.name, labels, ownerReferences }, data });
    await rotation.edit({ deletionPolicy: "Retain" });
    await rotation.stalled("RingUnreadable");
    await vi.waitFor(async () => {
      for (const role of roles) expect((await metaOf(rotation, role)).ownerReferences).toBeUndefined();
    }, soon);
    expect((await admin.get<{ data: object }>(path)).data).toEqual(data);
  });

  it("does not take a recovery that is requested for the future as consent to what comes", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "future", instant);
    await rotation.ready();
    await rotation.annotate({ "keyturn.dev/recover-requested-at": "2126-01-01T00:00:00Z" });
    const path = rotation.objectPath("ring");
    const { metadata } = await admin.get(path);
    await admin.remove(path);
    await admin.create(secretsPath, {
      metadata: { name: metadata.name, labels: (metadata as unknown as Meta).labels },
    });
    await rotation.annotate({ look: "now" });
    await rotation.stalled("RingUnreadable");
    await rotation.annotate({ look: "again" });
    await sees(`${eventsPath}?fieldSelector=regarding.name=future`, (event) =>
      String(event["note"]).includes("in the future"),
    );
    expect((await rotation.status()).conditions.some(({ type }) => type === "Stalled")).toBe(true);
  });

  it("whose status was wiped gets it back at once, and its lost ring is not made anew", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "wiped", instant);
    await rotation.ready();
    const wipe = async (): Promise<void> => {
      await admin.merge(`${rotation.path}/status`, { status: null });
    };
    await wipe();
    await vi.waitFor(async () => expect((await rotation.status()).activeKid).toBeDefined(), soon);
    await Promise.all(roles.map((role) => admin.remove(rotation.objectPath(role))));
    await wipe();
    await rotation.stalled("RingRolledBack");
    expect(await exists(rotation.objectPath("ring"))).toBe(false);
  });

  it("that is being deleted, and is held by somebody's finalizer, still revokes", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "leaving", instant);
    const { activeKid } = await rotation.ready();
    await admin.merge(rotation.path, { metadata: { finalizers: ["example.com/hold"] } });
    await admin.remove(rotation.path);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await rotation.reaches("revoked", (now) => now.activeKid !== undefined && now.activeKid !== activeKid);
    await admin.remove(rotation.objectPath("public"));
    await rotation.annotate({ look: "now" });
    await admin.merge(rotation.path, { metadata: { finalizers: null } });
    await gone(rotation.path);
    expect(await exists(rotation.objectPath("public"))).toBe(false);
  });

  it("that is suspended only revokes", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "suspended", instant);
    const { activeKid } = await rotation.ready();
    await rotation.edit({ suspend: true, rotation: { requestID: "held" } });
    await rotation.reaches("suspended", (now) => holds(now, "Suspended"));
    expect((await rotation.status()).activeKid).toBe(activeKid);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await rotation.reaches("revoked", (now) => now.activeKid !== activeKid);
    await rotation.edit({ suspend: false });
    await rotation.ready();
  });

  it("that can't be used is Stalled, and says why", async () => {
    startController(scene);
    // CEL has no calendar
    const rotation = await makeRotation(namespace, "odd", { ...instant, rotation: { schedule: "0 0 31 2 *" } });
    const { conditions } = await rotation.stalled("InvalidSpec");
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "InvalidSpec" });
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain("spec.rotation.schedule");
    expect(await exists(rotation.objectPath("ring"))).toBe(false);
    await rotation.edit({ rotation: { schedule: null } });
    await rotation.ready();
  });
});

describe("a controller whose clock is wrong", () => {
  it.each([
    ["ahead", 60_000],
    ["behind", -60_000],
  ])("by a minute, %s, only revokes, and goes on when it is right again", async (which, offMs) => {
    const clock = { ...systemClock, nowMs: () => Date.now() + offMs };
    const rotation = await makeRotation(namespace, `clock-${which}`, instant);
    const right = startController(scene);
    const { activeKid } = await rotation.ready();
    await right.stop();
    const wrong = startController(scene, { clock });
    await rotation.edit({ rotation: { requestID: "held" } });
    await rotation.stalled("ClockSkew");
    expect((await rotation.status()).activeKid).toBe(activeKid);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    const revoked = await rotation.reaches(
      "revoked",
      (now) => now.activeKid !== undefined && now.activeKid !== activeKid,
    );
    await wrong.stop();
    startController(scene);
    await rotation.edit({ rotation: { requestID: "go" } });
    await rotation.reaches("rotated", (now) => now.activeKid !== revoked.activeKid);
    await rotation.ready();
  });
});

describe("the controller's service account", () => {
  it("may do what the controller needs, and nothing more", async () => {
    const user = `system:serviceaccount:${namespace}:${account}`;
    const review = async (attributes: object): Promise<boolean> => {
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: { user, resourceAttributes: { namespace, ...attributes } },
      };
      const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
      return (await admin.create<{ status: { allowed: boolean } }>(path, body)).status.allowed;
    };
    const resources: readonly (readonly [string, string, string])[] = [
      ["", "secrets", "get create update"],
      ["", "configmaps", "get list watch create update"],
      ["", "pods", "get list watch"],
      ["keyturn.dev", "jwtkeyrotations", "get list watch"],
      ["keyturn.dev", "jwtkeyrotations/status", "update"],
      ["keyturn.dev", "keyringacks", "list watch"],
      ["events.k8s.io", "events", "create patch"],
      ["coordination.k8s.io", "leases", "get create update"],
      ["", "serviceaccounts", ""],
      ["", "serviceaccounts/token", ""],
      ["", "pods/exec", ""],
      ["apps", "deployments", ""],
      ["rbac.authorization.k8s.io", "roles", ""],
    ];
    const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    for (const [group, plural, allowed] of resources) {
      const [resource, subresource] = plural.split("/");
      const found: string[] = [];
      for (const verb of verbs) if (await review({ group, resource, subresource, verb })) found.push(verb);
      expect([plural, found.join(" ")]).toEqual([plural, allowed]);
    }
    expect(await review({ namespace: "default", resource: "secrets", verb: "get" })).toBe(false);
    expect(await exists(rotationsPath(namespace))).toBe(true);
  });
});
