import { afterAll, describe, expect, it } from "vitest";
import { helmMajors } from "../../../hack/helm.ts";
import { quick, RotationHandle, type RunningController, type Status } from "../controller/support/scene.ts";
import { admin, exists, gone, makeNamespace } from "../support/scene.ts";
import { PlayedKubelet } from "./support/kubelet.ts";
import { Release, removeDefinitions, succeeded } from "./support/release.ts";

// One release from its first installation to its last, told in order. A test that fails takes those after it along.

const activations = ({ deeds }: RunningController): number =>
  deeds.filter((deed) => deed.startsWith("activate")).length;

const admission = "/apis/admissionregistration.k8s.io/v1";

/** Another pass has been made, and had nothing to do. */
async function calm(rotation: RotationHandle): Promise<Status> {
  await rotation.annotate({ "example.com/look": new Date().toISOString() });
  return rotation.ready();
}

describe.each(helmMajors)("a release by Helm %i", async (major) => {
  const namespace = await makeNamespace(`helm-${major}`);
  const kubelet = await PlayedKubelet.play(namespace);
  const release = new Release({ major, namespace });
  const rotation = new RotationHandle(namespace, "gateway");
  const controllerOnly = { watchNamespaces: [namespace] };
  const values = {
    ...controllerOnly,
    rotations: [{ name: "gateway", ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } }],
    waitForReady: { timeoutSeconds: 60 },
  };
  const rotating = { ...values, rotateOnUpgrade: true, waitForReady: { timeoutSeconds: 60, for: "rotated" } };
  const job = `/apis/batch/v1/namespaces/${namespace}/jobs/keyturn-wait`;
  let before: Status;

  afterAll(removeDefinitions);

  it("can't bring resource definitions and their first rotation at once: Helm says so, and leaves nothing", async () => {
    const { code, err } = await release.install(values);
    expect(code).toBe(1);
    expect(err).toMatch(/no matches for kind "JwtKeyRotation".*\n?.*ensure CRDs are installed first/);
    expect(await exists("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jwtkeyrotations.keyturn.dev")).toBe(
      false,
    );
  });

  it("is installed, and waits for the controller's pods", async () => {
    expect(succeeded(await release.install(controllerOnly, "--wait"))).toBe("succeeded");
    const deployment = await admin.get(`/apis/apps/v1/namespaces/${namespace}/deployments/keyturn-controller`);
    expect(deployment["status"]).toMatchObject({ readyReplicas: 2 });
    expect(kubelet.logs).toEqual([]);
  });

  it("brings a rotation with an upgrade, and the Job waits until it is Ready, as an account that may look", async () => {
    const controller = await release.runController();
    expect(succeeded(await release.upgrade(values, "--wait"))).toBe("succeeded");
    before = await rotation.ready();
    expect(kubelet.logs).toMatchObject([{ container: "wait-0", account: "keyturn-wait", code: 0 }]);
    expect(kubelet.logs[0]?.text).toContain(`${namespace}/gateway is ready`);
    await gone(job);
    expect(controller.problems).toEqual([]);
  });

  it("rotates exactly once with each upgrade that is to rotate", async () => {
    const controller = await release.runController();
    for (const revision of [3, 4]) {
      expect(succeeded(await release.upgrade(rotating))).toBe("succeeded");
      expect((await release.history()).at(-1)).toBe(`${revision} deployed`);
      const after = await calm(rotation);
      expect(after.activeKid).not.toBe(before.activeKid);
      expect(activations(controller)).toBe(revision - 2);
      before = after;
    }
  });

  it("rotates by no upgrade that is not to, and by no rollback, to whatever revision", async () => {
    const controller = await release.runController();
    expect(succeeded(await release.upgrade(values))).toBe("succeeded");
    for (const revision of [4, 3, 2]) {
      expect(succeeded(await release.rollback(revision, "--wait"))).toBe("succeeded");
      expect((await calm(rotation)).activeKid).toBe(before.activeKid);
    }
    expect(activations(controller)).toBe(0);
    expect((await release.history()).at(-1)).toBe("8 deployed");
  });

  it("is taken back when its rotations do not become Ready, and the Job's log says for what it waited", async () => {
    // No controller runs: nobody makes the keys of a second rotation
    const second = { name: "second", ...quick };
    const hasty = { ...values, rotations: [...values.rotations, second], waitForReady: { timeoutSeconds: 1 } };
    const { code, err } = await release.upgrade(hasty, ...release.atomic);
    expect(code).toBe(1);
    expect(err).toMatch(/post-upgrade/);
    expect(await release.history()).toEqual(expect.arrayContaining(["9 failed", "10 deployed"]));
    const failed = kubelet.logs.filter((log) => log.code !== 0);
    expect(failed).toMatchObject([{ container: "wait-1", code: 4 }]);
    expect(failed[0]?.text).toContain("timed out while waiting: for a pass to come");
    // For whoever looks for the log
    expect(await exists(job)).toBe(true);
    // What has once been asked for stays: its keys may be in use
    expect(await exists(new RotationHandle(namespace, "second").path)).toBe(true);
    expect((await rotation.status()).activeKid).toBe(before.activeKid);
  });

  it("leaves rotations, Secrets and definitions when it is uninstalled, and nothing else but the Job that failed", async () => {
    expect(succeeded(await release.uninstall("--wait"))).toBe("succeeded");
    for (const path of [
      rotation.path,
      ...(["ring", "signer", "public"] as const).map((role) => rotation.objectPath(role)),
    ])
      expect(await exists(path)).toBe(true);
    expect((await rotation.status()).activeKid).toBe(before.activeKid);
    const core = `/api/v1/namespaces/${namespace}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    for (const folder of [`${rbac}/roles`, `${rbac}/rolebindings`, `${core}/services`, `${core}/serviceaccounts`]) {
      const { items } = await admin.get<{ items: readonly { metadata: { name: string } }[] }>(folder);
      expect(items.map(({ metadata }) => metadata.name).filter((name) => name !== "default")).toEqual([]);
    }
    expect(await exists(`/apis/apps/v1/namespaces/${namespace}/deployments/keyturn-controller`)).toBe(false);
    for (const kind of ["policies", "policybindings"])
      for (const name of ["keyturn-ring-objects", "keyturn-keyringacks"])
        expect(await exists(`${admission}/validatingadmission${kind}/${name}.${namespace}`)).toBe(false);
    expect(await exists(job)).toBe(true);
  });

  it("installed again, with its rotations at once, goes on with the same keys", async () => {
    await admin.remove(new RotationHandle(namespace, "second").path);
    const [one] = values.rotations;
    const labelled = { ...values, waitForReady: { enabled: false }, rotations: [{ ...one, labels: { round: "two" } }] };
    // Without --take-ownership Helm 3 leaves a custom resource that it finds as it is
    const flags = major === 3 ? ["--wait", "--take-ownership"] : ["--wait=legacy"];
    expect(succeeded(await release.install(labelled, ...flags))).toBe("succeeded");
    expect((await admin.get(rotation.path)).metadata.labels).toMatchObject({ round: "two" });
    const controller = await release.runController();
    expect(succeeded(await release.upgrade(values, "--wait"))).toBe("succeeded");
    const after = await calm(rotation);
    const keys = ({ activeKid, ringGeneration }: Status): object => ({ activeKid, ringGeneration });
    expect(keys(after)).toEqual(keys(before));
    expect(controller.deeds).toEqual([]);
    expect(controller.problems).toEqual([]);
  });

  it("counts revisions anew then: an upgrade rotates when requestID begins in another way", async () => {
    const controller = await release.runController();
    expect((await release.history()).at(-1)).toBe("2 deployed");
    // The ring has seen keyturn.v3 and keyturn.v4
    expect(succeeded(await release.upgrade(rotating))).toBe("succeeded");
    expect((await calm(rotation)).activeKid).toBe(before.activeKid);
    const [one] = rotating.rotations;
    const anew = { ...rotating, rotations: [{ ...one, rotation: { interval: "0s", requestID: "second-life" } }] };
    expect(succeeded(await release.upgrade(anew))).toBe("succeeded");
    expect((await calm(rotation)).activeKid).not.toBe(before.activeKid);
    expect(activations(controller)).toBe(1);
    expect(succeeded(await release.uninstall())).toBe("succeeded");
    expect(kubelet.problems).toEqual([]);
  });
});
