import { describe, expect, it } from "vitest";
import { podOf, render, type Rendered, rotations, the } from "./support/render.ts";
import { flagsOf } from "./support/program.ts";

const upgrade = ["--is-upgrade"];

interface Spec {
  readonly rotation?: { readonly requestID?: string; readonly interval?: string };
}

const specOf = (objects: readonly Rendered[], name: string): Spec => the(objects, "JwtKeyRotation", name).spec as Spec;

describe("rotations", () => {
  it("are JwtKeyRotations with this spec, each in its namespace, which outlive the release", async () => {
    const objects = await render({ rotations });
    expect(the(objects, "JwtKeyRotation", "gateway")).toMatchObject({
      apiVersion: "keyturn.dev/v1alpha1",
      metadata: { namespace: "shop", annotations: { "helm.sh/resource-policy": "keep" } },
    });
    expect(the(objects, "JwtKeyRotation", "orders").metadata.namespace).toBe("keyturn-system");
    expect(specOf(objects, "gateway")).toEqual({
      secretName: "gateway-keys",
      tokens: { issuer: "https://issuer.example", audiences: ["api"] },
      rotation: { interval: "24h" },
      suspend: false,
    });
  });

  it("take the labels and annotations that they are given", async () => {
    const labels = { team: "payments" };
    const annotations = { "example.com/a": "b" };
    const objects = await render({ rotations: [{ ...rotations[1], labels, annotations }] });
    const { metadata, spec } = the(objects, "JwtKeyRotation");
    expect(metadata).toMatchObject({ labels, annotations: { ...annotations, "helm.sh/resource-policy": "keep" } });
    expect(spec).toEqual({ tokens: rotations[1]?.tokens });
  });
});

describe("rotateOnUpgrade", () => {
  it("asks for nothing when it is off", async () => {
    const objects = await render({ rotations }, { flags: upgrade });
    expect(specOf(objects, "gateway").rotation).toEqual({ interval: "24h" });
    expect(specOf(objects, "orders").rotation).toBeUndefined();
  });

  it("asks for nothing with an installation, which is what renderers do, too", async () => {
    const [off, on] = [await render({ rotations }), await render({ rotations, rotateOnUpgrade: true })];
    expect(on).toEqual(off);
  });

  it("asks by release and revision, after what the user asks by, and leaves the rest of the spec alone", async () => {
    const asking = rotations.map((one) =>
      one.name === "gateway" ? { ...one, rotation: { interval: "24h", requestID: "2026-11" } } : one,
    );
    const objects = await render({ rotations: asking, rotateOnUpgrade: true }, { flags: upgrade });
    expect(specOf(objects, "gateway")).toMatchObject({
      rotation: { interval: "24h", requestID: "2026-11/keyturn.v1" },
      suspend: false,
    });
    expect(specOf(objects, "orders").rotation).toEqual({ requestID: "keyturn.v1" });
  });
});

const hookOf = ({ metadata }: Rendered): readonly (string | undefined)[] =>
  ["helm.sh/hook", "helm.sh/hook-delete-policy"].map((key) => metadata.annotations?.[key]);

describe("the Job that waits", () => {
  it("comes after an installation or upgrade, and stays with its log when it fails", async () => {
    const hooks = (await render({ rotations })).filter(({ metadata }) => metadata.name === "keyturn-wait");
    expect(hooks).toHaveLength(6);
    for (const hook of hooks)
      expect(hookOf(hook)).toEqual(["post-install,post-upgrade", "before-hook-creation,hook-succeeded"]);
    const weight = (kind: string): number =>
      Number(hooks.find((one) => one.kind === kind)?.metadata.annotations?.["helm.sh/hook-weight"]);
    expect(weight("Role")).toBeLessThan(weight("RoleBinding"));
    expect(weight("RoleBinding")).toBeLessThan(weight("Job"));
  });

  it("waits for each rotation in a container of its own, and gives up before Helm does", async () => {
    const job = the(await render({ rotations, waitForReady: { timeoutSeconds: 90, for: "rotated" } }), "Job");
    const { containers, serviceAccountName } = podOf(job).spec;
    expect(serviceAccountName).toBe("keyturn-wait");
    expect(containers.map(({ args }) => args)).toEqual([
      ["wait", "gateway", "--namespace=shop", "--for=rotated", "--timeout=90s"],
      ["wait", "orders", "--namespace=keyturn-system", "--for=rotated", "--timeout=90s"],
    ]);
    expect(await flagsOf("wait")).toEqual(expect.arrayContaining(["--namespace", "--for", "--timeout"]));
    expect(job.spec).toMatchObject({ activeDeadlineSeconds: 150 });
  });

  it("is left out when there is nothing to wait for, or nobody wants to", async () => {
    for (const values of [{}, { rotations, waitForReady: { enabled: false } }]) {
      const objects = await render(values);
      expect(objects.filter(({ metadata }) => metadata.annotations?.["helm.sh/hook"] !== undefined)).toEqual([]);
    }
  });
});
