import { describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../hack/run.ts";
import { helmMajors } from "../../hack/helm.ts";
import { gatewayName } from "../../src/inject/gateway-sidecar.ts";
import { objectsIn } from "../../src/parse/object.ts";
import {
  everything,
  kindsOf,
  podOf,
  render,
  type Rendered,
  rotations,
  runHelm,
  template,
  the,
} from "./support/render.ts";
import { flagsOf } from "./support/program.ts";

describe("the controller's Deployment", () => {
  it("runs two, one of which acts, with the image of the chart's appVersion", async () => {
    const objects = await render();
    const deployment = the(objects, "Deployment");
    expect(deployment).toMatchObject({ metadata: { name: "keyturn-controller" }, spec: { replicas: 2 } });
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    const [container] = podOf(deployment).spec.containers;
    expect(container.image).toBe(`ghcr.io/keyturn/keyturn:${version}`);
    expect(container).not.toHaveProperty("command");
    expect(container.args.slice(0, 4)).toEqual([
      "controller",
      "--leader-elect",
      "--lease-namespace=keyturn-system",
      "--lease-name=keyturn-controller",
    ]);
    expect(the(objects, "PodDisruptionBudget").spec).toMatchObject({
      maxUnavailable: 1,
      selector: { matchLabels: { "app.kubernetes.io/component": "controller" } },
    });
  });

  it.each([
    [{ repository: "registry.example/keyturn", tag: "1.2.3" }, "registry.example/keyturn:1.2.3"],
    [{ digest: `sha256:${"a".repeat(64)}`, tag: "1.2.3" }, `ghcr.io/keyturn/keyturn@sha256:${"a".repeat(64)}`],
  ])("takes the image %j", async (image, wanted) => {
    for (const workload of workloadsOf(await render({ ...everything, image })))
      for (const container of podOf(workload).spec.containers) expect(container.image).toBe(wanted);
  });

  it("looks after the namespaces that are named", async () => {
    const [container] = podOf(the(await render({ watchNamespaces: ["shop", "pay"] }), "Deployment")).spec.containers;
    expect(container.args.filter((arg) => arg.startsWith("--namespace"))).toEqual([
      "--namespace=shop",
      "--namespace=pay",
    ]);
  });

  it("has what the user adds to its pods, last", async () => {
    const ofTheChart = [
      { name: "NODE_OPTIONS", value: "--max-semi-space-size=2" },
      { name: "MALLOC_ARENA_MAX", value: "1" },
      { name: "MALLOC_TRIM_THRESHOLD_", value: "131072" },
    ];
    const values = {
      extraArgs: ["--workers=8"],
      extraEnv: [{ name: "TZ", value: "UTC" }],
      extraVolumes: [{ name: "ca", configMap: { name: "ca" } }],
      extraVolumeMounts: [{ name: "ca", mountPath: "/ca", readOnly: true }],
      podLabels: { team: "platform" },
      podAnnotations: { "example.com/a": "b" },
      commonLabels: { "example.com/all": "yes" },
      tolerations: [{ key: "infra", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      priorityClassName: "system-cluster-critical",
      imagePullSecrets: [{ name: "pull" }],
    };
    const { metadata, spec } = podOf(the(await render(values), "Deployment"));
    const [container] = spec.containers;
    expect(container.args.at(-1)).toBe("--workers=8");
    expect(container).toMatchObject({
      env: [...ofTheChart, ...values.extraEnv],
      volumeMounts: values.extraVolumeMounts,
    });
    expect(metadata.labels).toMatchObject({ team: "platform", "example.com/all": "yes" });
    expect(metadata.annotations).toMatchObject(values.podAnnotations);
    const { extraVolumes: volumes, tolerations, affinity, priorityClassName, imagePullSecrets } = values;
    expect(spec).toMatchObject({ volumes, tolerations, affinity, priorityClassName, imagePullSecrets });
  });

  it("never lets a user's label or annotation stand beside its own of the same name", async () => {
    const commonLabels = { "app.kubernetes.io/version": "theirs", "app.kubernetes.io/component": "theirs", a: "b" };
    const podAnnotations = { "kubectl.kubernetes.io/default-container": "theirs", c: "d" };
    const monitor = { enabled: true, labels: { "helm.sh/chart": "theirs", e: "f" } };
    const metrics = {
      ...{ serviceMonitor: monitor, gatewayPodMonitor: monitor, prometheusRule: monitor, dashboard: monitor },
    };
    const jwks = { ...everything.jwks, podAnnotations };
    const issuer = { ...everything.issuer, podAnnotations };
    const objects = await render({ ...everything, commonLabels, podAnnotations, metrics, jwks, issuer });
    for (const { metadata } of objects) {
      expect(metadata.labels, metadata.name).toMatchObject({ a: "b" });
      expect(Object.values(metadata.labels ?? {}), metadata.name).not.toContain("theirs");
    }
    for (const kind of ["ServiceMonitor", "PodMonitor", "PrometheusRule"])
      expect(the(objects, kind).metadata.labels).toMatchObject({ e: "f" });
    for (const [name, container] of [
      ["keyturn-controller", "controller"],
      ["keyturn-jwks", "keyturn"],
      ["keyturn-issuer", "keyturn"],
    ])
      expect(podOf(the(objects, "Deployment", name)).metadata.annotations).toEqual({
        ...{ "kubectl.kubernetes.io/default-container": container, c: "d" },
      });
  });

  it("never lets a user's label take the place of one that it is selected by", async () => {
    const theirs = { "app.kubernetes.io/component": "theirs" };
    const deployment = the(await render({ podLabels: theirs, commonLabels: {} }), "Deployment");
    const { matchLabels } = (deployment.spec as { selector: { matchLabels: object } }).selector;
    expect(podOf(deployment).metadata.labels).toMatchObject(matchLabels);
  });

  it("is spread over nodes, counting its own pods unless a constraint says otherwise", async () => {
    const own = { maxSkew: 2, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" };
    const labelSelector = { matchLabels: { a: "b" } };
    const topologySpreadConstraints = [own, { ...own, labelSelector }];
    const { spec } = podOf(the(await render({ topologySpreadConstraints }), "Deployment"));
    expect(spec["topologySpreadConstraints"]).toMatchObject([
      { ...own, labelSelector: { matchLabels: { "app.kubernetes.io/component": "controller" } } },
      { ...own, labelSelector },
    ]);
  });

  it("is left out, with all that is its own, from a release of rotations", async () => {
    const objects = await render({ controller: { enabled: false }, crds: { enabled: false }, rotations });
    expect(kindsOf(objects)).toEqual(["JwtKeyRotation", "ServiceAccount", "Role", "RoleBinding", "Job"]);
  });
});

const workloadsOf = (objects: readonly Rendered[]): readonly Rendered[] =>
  objects.filter(({ kind }) => kind === "Deployment" || kind === "Job");

describe("every pod of the chart", () => {
  it("is given arguments that the program knows, and none twice", async () => {
    const workloads = workloadsOf(
      await render({ ...everything, rotations: rotations.slice(0, 1), watchNamespaces: ["shop"] }),
    );
    expect(workloads).toHaveLength(4);
    for (const { args } of workloads.flatMap((one) => podOf(one).spec.containers)) {
      const [command = ""] = args;
      const flags = args.filter((arg) => arg.startsWith("--")).map((arg) => arg.replace(/=.*/, ""));
      expect(await flagsOf(command), args.join(" ")).toEqual(expect.arrayContaining(flags));
      expect(new Set(flags).size).toBe(flags.length);
    }
  });

  it("has names that fit, however long the release's is", async () => {
    const release = "a-release-with-a-very-long-name-of-53-characters-xxxx";
    for (const { kind, metadata } of await render(everything, { release }))
      if (!kind.startsWith("Custom")) expect(metadata.name.length, metadata.name).toBeLessThanOrEqual(63);
  });

  it("is named after the chart, unless the release's name has it, or another is given", async () => {
    const nameOf = async (values: object, release: string): Promise<string> =>
      the(await render(values, { release }), "Deployment").metadata.name;
    expect(await nameOf({}, "prod")).toBe("prod-keyturn-controller");
    expect(await nameOf({}, "my-keyturn")).toBe("my-keyturn-controller");
    expect(await nameOf({ nameOverride: "keys" }, "prod")).toBe("prod-keys-controller");
    expect(await nameOf({ fullnameOverride: "kt" }, "prod")).toBe("kt-controller");
  });
});

describe("jwks", () => {
  it("serves the public ConfigMap of its rotation, which waits for it", async () => {
    const objects = await render(everything);
    const { metadata, spec } = podOf(the(objects, "Deployment", "keyturn-jwks"));
    const [container] = spec.containers;
    expect(metadata.labels).toMatchObject({ "keyturn.dev/rotation": "gateway" });
    expect(container.args).toEqual(
      expect.arrayContaining(["--public", "--rotation=gateway", "--object=gateway-keys-public", "--acks=required"]),
    );
    expect(spec["volumes"]).toContainEqual({ name: "public", configMap: { name: "gateway-keys-public" } });
    expect(JSON.stringify(spec)).not.toContain('"secret"');
    for (const kind of ["Deployment", "Service", "PodDisruptionBudget", "ServiceAccount"])
      expect(the(objects, kind, "keyturn-jwks").metadata.namespace).toBe("shop");
  });

  it.each([
    [{ rotation: "gateway" }, "gateway-public"],
    [{ rotation: "gateway", namespace: "shop" }, "gateway-keys-public"],
    [{ rotation: "gateway", namespace: "shop", secretName: "other" }, "other-public"],
  ])("finds the ConfigMap of %j: %s", async (jwks, object) => {
    const objects = await render({ rotations, jwks: { enabled: true, ...jwks } });
    expect(podOf(the(objects, "Deployment", "keyturn-jwks")).spec.containers[0].args).toContain(`--object=${object}`);
  });

  it("is waited for by nobody when it does not acknowledge", async () => {
    const objects = await render({ jwks: { enabled: true, rotation: "gateway", acknowledgements: "off" } });
    const { metadata, spec } = podOf(the(objects, "Deployment", "keyturn-jwks"));
    expect(metadata.labels).not.toHaveProperty(["keyturn.dev/rotation"]);
    expect(spec.containers[0].args).toContain("--acks=off");
  });

  it("calls its container as the controller looks for it", async () => {
    const [container, ...others] = podOf(the(await render(everything), "Deployment", "keyturn-jwks")).spec.containers;
    expect([container.name, ...others]).toEqual([gatewayName]);
  });

  it.each([[["--acks=off"]], [["--log-level=debug", "--acks", "off"]]])(
    "is not told by extraArgs %j what a value says, on which label and rights depend",
    async (extraArgs) => {
      const { code, err } = await template({ jwks: { ...everything.jwks, extraArgs } });
      expect(err).toContain("jwks.extraArgs: must not have --acks: use jwks.acknowledgements");
      expect(code).toBe(1);
    },
  );

  it.each(["http://x/ #y", "foo: bar", 'a"b'])("hands on jwksUri as it is: %s", async (jwksUri) => {
    const objects = await render({ ...everything, jwks: { ...everything.jwks, jwksUri } });
    const [container] = podOf(the(objects, "Deployment", "keyturn-jwks")).spec.containers;
    expect(container.args).toContain(`--jwks-uri=${jwksUri}`);
  });

  describe("that hears of revocations", () => {
    const url = "https://issuer.example/v1/revocations";
    const issuerParts = async (revocations: object) => {
      const objects = await render({ ...everything, jwks: { ...everything.jwks, revocations } });
      const { containers, ...spec } = podOf(the(objects, "Deployment", "keyturn-jwks")).spec;
      const [{ args, volumeMounts }] = containers;
      return {
        args: args.filter((arg) => arg.startsWith("--revocations")),
        mounts: objectsIn(volumeMounts).filter(({ name }) => name === "issuer"),
        volumes: objectsIn(spec["volumes"]).filter(({ name }) => name === "issuer"),
      };
    };
    const mounts = [{ name: "issuer", mountPath: "/run/keyturn/issuer", readOnly: true }];
    const volumesOf = (...sources: readonly object[]) => [{ name: "issuer", projected: { sources } }];

    it("has a token for the issuer", async () => {
      expect(await issuerParts({ url })).toEqual({
        args: [`--revocations=${url}`, "--revocations-token-file=/run/keyturn/issuer/token"],
        mounts,
        volumes: volumesOf({
          serviceAccountToken: { path: "token", audience: "keyturn-issuer", expirationSeconds: 3600 },
        }),
      });
    });

    it("has all that can be said of it", async () => {
      const revocations = { url: `${url}?a=b: c #d`, audience: "a: b", maxAge: "5m", caConfigMap: "issuer-ca" };
      expect(await issuerParts(revocations)).toEqual({
        args: [
          `--revocations=${revocations.url}`,
          "--revocations-token-file=/run/keyturn/issuer/token",
          "--revocations-max-age=5m",
          "--revocations-ca-file=/run/keyturn/issuer/ca.crt",
        ],
        mounts,
        volumes: volumesOf(
          { serviceAccountToken: { path: "token", audience: "a: b", expirationSeconds: 3600 } },
          { configMap: { name: "issuer-ca", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        ),
      });
    });

    it("has nothing of it without an address", async () => {
      expect(await issuerParts({ caConfigMap: "issuer-ca" })).toEqual({ args: [], mounts: [], volumes: [] });
    });
  });

  describe("for verifiers outside of the cluster", () => {
    const { jwks } = everything;
    const served = ["/.well-known/jwks.json", "/.well-known/openid-configuration"];
    const withJwks = (more: object) => render({ rotations, jwks: { ...jwks, ...more } });

    it("has an Ingress that lets the public keys through, and nothing else", async () => {
      const tls = [{ secretName: "issuer-tls", hosts: ["issuer.example"] }];
      const annotations = { "example.com/a": "b" };
      const ingress = { enabled: true, className: "public", hosts: ["issuer.example", "b.example"], tls, annotations };
      const { metadata, spec } = the(await withJwks({ ingress }), "Ingress");
      expect(metadata).toMatchObject({ name: "keyturn-jwks", namespace: "shop", annotations });
      const backend = { service: { name: "keyturn-jwks", port: { name: "http" } } };
      const paths = served.map((path) => ({ path, pathType: "Exact", backend }));
      expect(spec).toEqual({
        ingressClassName: "public",
        rules: ingress.hosts.map((host) => ({ host, http: { paths } })),
        tls,
      });
    });

    it("has an HTTPRoute that does the same", async () => {
      const httpRoute = { enabled: true, parentRefs: [{ name: "public" }], hostnames: ["issuer.example"] };
      const { metadata, spec } = the(await withJwks({ httpRoute, service: { port: 8000 } }), "HTTPRoute");
      expect(metadata).toMatchObject({ name: "keyturn-jwks", namespace: "shop" });
      expect(spec).toEqual({
        parentRefs: [{ name: "public" }],
        hostnames: ["issuer.example"],
        rules: [
          {
            matches: served.map((value) => ({ path: { type: "Exact", value } })),
            backendRefs: [{ name: "keyturn-jwks", port: 8000 }],
          },
        ],
      });
    });

    it.each([
      [{ ingress: { enabled: true } }, "jwks.ingress.hosts: must have a host name, is empty"],
      [{ httpRoute: { enabled: true } }, "jwks.httpRoute.parentRefs: must name a Gateway, is empty"],
    ])("is refused without a way there: %j", async (more, message) => {
      const { code, err } = await template({ rotations, jwks: { ...jwks, ingress: {}, httpRoute: {}, ...more } });
      expect(err).toContain(message);
      expect(code).toBe(1);
    });
  });

  it("must be told whose keys", async () => {
    expect((await template({ jwks: { enabled: true } })).err).toContain(
      "jwks.rotation: must name the JwtKeyRotation whose public keys are served, is empty",
    );
  });
});

describe("what is rendered", () => {
  it.each([
    ["the defaults", {}],
    ["everything", everything],
  ])("is the same, byte for byte, each time and on both Helms: %s", async (_, values) => {
    const [first, second] = [await template(values), await template(values)];
    expect(first.out).toBe(second.out);
    expect(first.out).not.toMatch(/PRIVATE|kind: Secret/);
    const [three, four] = [await render(values, { major: 3 }), await render(values, { major: 4 })];
    const byName = (objects: readonly Rendered[]): readonly string[] =>
      objects.map((one) => JSON.stringify(one)).sort();
    expect(byName(three)).toEqual(byName(four));
  });

  it.each(helmMajors)("is for Kubernetes 1.30 and newer: Helm %i", async (major) => {
    const on = (version: string) => template({}, { major, flags: ["--kube-version", version] });
    expect((await on("1.29.9")).err).toContain("kubeVersion: >=1.30.0-0");
    // As GKE and EKS write theirs
    for (const version of ["1.30.0", "1.30.4-gke.100", "v1.33.1-eks-1234"])
      expect(await on(version)).toMatchObject({ code: 0 });
  });

  it.each(helmMajors)("Helm %i has nothing to say against", async (major) => {
    for (const values of [{}, everything]) {
      const args = ["lint", "--strict", join(root, "charts/keyturn"), "--values", "-"];
      const { code, out, err } = await runHelm(args, { major, input: JSON.stringify(values) });
      expect(`${out}${err}`).not.toMatch(/WARNING|ERROR|INFO/);
      expect(code).toBe(0);
    }
  });
});
