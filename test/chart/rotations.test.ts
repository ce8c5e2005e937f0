import { describe, expect, it } from "vitest";
import { podOf, render, type Rendered, rotations, template, the } from "./support/render.ts";
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

describe("rotations that Helm must not get wrong", () => {
  const [, plain] = rotations;

  it("may have names that YAML takes for numbers", async () => {
    const objects = await render(
      { rotations: [{ ...plain, name: "123" }], jwks: { enabled: true, rotation: "123" } },
      { release: "1e3", namespace: "77" },
    );
    expect(the(objects, "JwtKeyRotation").metadata).toMatchObject({ name: "123", namespace: "77" });
    const [container] = podOf(the(objects, "Job")).spec.containers;
    expect(container.args.slice(0, 3)).toEqual(["wait", "123", "--namespace=77"]);
    const names = objects.flatMap(({ metadata, subjects = [] }) => [metadata, ...(subjects as (typeof metadata)[])]);
    for (const { name, namespace = "", labels = {} } of names)
      for (const one of [name, namespace, ...Object.values(labels)]) expect(one).toBeTypeOf("string");
    for (const { spec, metadata } of objects.filter(({ kind }) => kind === "Deployment"))
      expect(spec, metadata.name).toMatchObject({
        selector: { matchLabels: { "app.kubernetes.io/instance": "1e3" } },
        template: { metadata: { labels: { "app.kubernetes.io/instance": "1e3" } } },
      });
  });

  it("outlive the release, whatever their annotations and labels say", async () => {
    const annotations = { "helm.sh/resource-policy": "delete", "example.com/a": "b" };
    const labels = { "app.kubernetes.io/managed-by": "me", team: "payments" };
    const { metadata } = the(await render({ rotations: [{ ...plain, annotations, labels }] }), "JwtKeyRotation");
    expect(metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep", "example.com/a": "b" });
    expect(metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "Helm", team: "payments" });
  });

  it("are in a namespace that the controller looks after, unless another release has it", async () => {
    const inShop = { ...plain, namespace: "shop" };
    const { code, err } = await template({ rotations: [inShop, plain], watchNamespaces: ["shop", "pay"] });
    expect(err).toContain(
      "rotations: the namespace of keyturn-system/orders must be one of watchNamespaces (shop, pay): the controller looks after no other",
    );
    expect(code).toBe(1);
    for (const values of [
      { rotations: [inShop], watchNamespaces: ["shop", "pay"] },
      { rotations: [plain], watchNamespaces: ["keyturn-system"] },
      { rotations: [plain], watchNamespaces: ["shop"], controller: { enabled: false } },
    ])
      expect(await template(values)).toMatchObject({ code: 0 });
  });

  it("must not be the same twice", async () => {
    const twice = [plain, { ...plain, namespace: "keyturn-system" }];
    const { code, err } = await template({ rotations: twice });
    expect(err).toContain("rotations: must name each JwtKeyRotation once, has keyturn-system/orders twice");
    expect(code).toBe(1);
    expect(await template({ rotations: [plain, { ...plain, namespace: "shop" }] })).toMatchObject({ code: 0 });
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

  it("has room for what it appends, counted as the API server does, or says so", async () => {
    const asking = (requestID: string) =>
      template(
        { rotations: [{ ...rotations[1], rotation: { requestID } }], rotateOnUpgrade: true },
        { flags: upgrade },
      );
    expect(await asking("ä".repeat(117))).toMatchObject({ code: 0 });
    const { code, err } = await asking("ä".repeat(118));
    expect(err).toContain(
      'rotations: the requestID of keyturn-system/orders must have at most 128 characters with "/keyturn.v1", which rotateOnUpgrade appends, has 129',
    );
    expect(code).toBe(1);
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

  it("has labels and annotations of its pod, below the chart's own", async () => {
    const podAnnotations = { "sidecar.istio.io/inject": "false" };
    const podLabels = { team: "platform", "app.kubernetes.io/component": "theirs" };
    const waitForReady = { podLabels, podAnnotations };
    const { metadata } = podOf(the(await render({ rotations, waitForReady }), "Job"));
    expect(metadata.annotations).toEqual(podAnnotations);
    expect(metadata.labels).toMatchObject({ team: "platform", "app.kubernetes.io/component": "wait" });
    expect(podOf(the(await render({ rotations }), "Job")).metadata.annotations).toBeUndefined();
  });

  it("is left out when there is nothing to wait for, or nobody wants to", async () => {
    for (const values of [{}, { rotations, waitForReady: { enabled: false } }]) {
      const objects = await render(values);
      expect(objects.filter(({ metadata }) => metadata.annotations?.["helm.sh/hook"] !== undefined)).toEqual([]);
    }
  });
});
