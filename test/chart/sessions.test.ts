import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { helmMajors } from "../../hack/helm.ts";
import { root } from "../../hack/run.ts";
import { objectsIn } from "../../src/parse/object.ts";
import { flagsOf } from "./support/program.ts";
import { chart, everything, podOf, render, runHelm, sessions, template, the, withSessions } from "./support/render.ts";

const hubEnv = { name: "KEYTURN_HUB", value: "unix:/run/keyturn-hub/hub.sock" };
const hubMount = { name: "hub", mountPath: "/run/keyturn-hub", readOnly: true };
const named = (list: unknown, name: string): readonly object[] => objectsIn(list).filter((one) => one["name"] === name);

const rendered = (given: object = sessions) =>
  render({ ...withSessions, jwks: { ...everything.jwks, sessions: given } });
const podWith = async (given?: object) => podOf(the(await rendered(given), "Deployment", "keyturn-jwks")).spec;
const sessionArgs = (args: readonly string[]): readonly string[] =>
  args.filter((arg) => arg.startsWith("--session") || arg.startsWith("--hub"));

describe("jwks that accepts sessions", () => {
  it("has a hub for the containers beside it, two ports, and what its bus asks for", async () => {
    const { containers, ...spec } = await podWith();
    const [gateway, relay] = containers as readonly (typeof containers)[0][];
    expect(sessionArgs(gateway?.args ?? [])).toEqual([
      "--session-listen=:8083",
      "--session-grpc-listen=:8084",
      "--hub-listen=unix:/run/keyturn-hub/hub.sock",
      "--session-bus=nats://nats:4222",
      "--session-bus-credentials-file=/run/keyturn/bus/nats.creds",
      "--session-bus-ca-file=/run/keyturn/bus/ca.crt",
    ]);
    expect(gateway?.["ports"]).toEqual(
      expect.arrayContaining([
        { name: "sessions-ws", containerPort: 8083 },
        { name: "sessions-grpc", containerPort: 8084 },
      ]),
    );
    expect(relay).toEqual({
      ...{ name: "relay", image: "registry.example/relay:1.0", env: [hubEnv], volumeMounts: [hubMount] },
    });
    expect(named(gateway?.["volumeMounts"], "hub")).toEqual([{ name: "hub", mountPath: "/run/keyturn-hub" }]);
    expect(named(spec["volumes"], "hub")).toEqual([{ name: "hub", emptyDir: { sizeLimit: "1Mi" } }]);
    expect(named(spec["volumes"], "bus")).toEqual([
      {
        name: "bus",
        projected: {
          sources: [
            { secret: { name: "nats", items: [{ key: "nats.creds", path: "nats.creds" }] } },
            { configMap: { name: "nats-ca", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          ],
        },
      },
    ]);
  });

  it("leaves a container what it has, and calls the gateway's first as the controller looks for it", async () => {
    const env = [{ name: "A", value: "b" }];
    const volumeMounts = [{ name: "cache", mountPath: "/cache" }];
    const own = { name: "relay", image: "relay:1", args: ["serve"], env, volumeMounts };
    const [gateway, relay] = (await podWith({ ...sessions, containers: [own] })).containers as readonly object[];
    expect(gateway).toMatchObject({ name: "keyturn" });
    expect(relay).toEqual({ ...own, env: [hubEnv, ...env], volumeMounts: [...volumeMounts, hubMount] });
  });

  it("needs no file for a bus that lets everybody in, and no bus for one pod", async () => {
    for (const bus of [{ url: "nats://nats:4222" }, {}]) {
      const { containers, ...spec } = await podWith({ ...sessions, bus });
      const said = sessionArgs(containers[0].args).filter((arg) => arg.startsWith("--session-bus"));
      expect(said).toEqual("url" in bus ? ["--session-bus=nats://nats:4222"] : []);
      expect(named(spec["volumes"], "bus")).toEqual([]);
    }
  });

  it("tells proxies by appProtocol what its ports speak", async () => {
    const service = the(await rendered({ ...sessions, port: 80, grpcPort: 81 }), "Service", "keyturn-jwks");
    expect((service.spec as { readonly ports: readonly object[] }).ports.slice(1)).toEqual([
      { name: "sessions-ws", port: 80, targetPort: "sessions-ws", appProtocol: "kubernetes.io/ws" },
      { name: "sessions-grpc", port: 81, targetPort: "sessions-grpc", appProtocol: "kubernetes.io/h2c" },
    ]);
  });

  it("gives the gateway flags that it has", async () => {
    const [{ args }] = (await podWith()).containers;
    const flags = sessionArgs(args).map((arg) => arg.replace(/=.*/, ""));
    expect(await flagsOf("gateway")).toEqual(expect.arrayContaining(flags));
  });

  it.each(helmMajors)("is the same by Helm %i, which has nothing to say against it", async (major) => {
    expect(await render(withSessions, { major })).toEqual(await render(withSessions, { major: 4 }));
    const args = ["lint", "--strict", chart, "--values", "-"];
    const { code, out, err } = await runHelm(args, { major, input: JSON.stringify(withSessions) });
    expect({ code, said: `${out}${err}` }).toEqual({
      code: 0,
      said: expect.not.stringMatching(/WARNING|ERROR/) as unknown,
    });
  });

  it("lives long enough for its drain", async () => {
    expect(await podWith()).toMatchObject({ terminationGracePeriodSeconds: 30 });
    expect(await podWith({ ...sessions, terminationGracePeriodSeconds: 90 })).toMatchObject({
      terminationGracePeriodSeconds: 90,
    });
  });

  it("has nothing of all this where it is not asked for", async () => {
    const { containers, ...spec } = await podWith({ bus: sessions.bus });
    expect(containers).toHaveLength(1);
    expect(sessionArgs(containers[0].args)).toEqual([]);
    expect(JSON.stringify([containers, spec])).not.toMatch(/hub|bus|terminationGracePeriod/);
    const { spec: service } = the(await rendered({}), "Service", "keyturn-jwks");
    expect((service as { readonly ports: readonly object[] }).ports).toHaveLength(1);
  });

  it("is what the documentation shows, with its network policy", async () => {
    const page = await readFile(join(root, "docs/sessions.md"), "utf8");
    const [, shown = ""] = /```yaml\n(jwks:\n.*?)```/s.exec(page) ?? [];
    const objects = await render(parse(shown) as object);
    const { containers, ...spec } = podOf(the(objects, "Deployment", "keyturn-jwks")).spec;
    expect(containers).toMatchObject([{ name: "keyturn" }, { name: "relay", env: [hubEnv] }]);
    expect(named(spec["volumes"], "bus")).toHaveLength(1);
    const policy = the(objects, "NetworkPolicy", "keyturn-jwks").spec as { readonly ingress: readonly object[] };
    expect(policy.ingress.at(-1)).toMatchObject({ ports: [{ port: 8083 }, { port: 8084 }], from: [{}] });
  });

  it("is what the example shows", async () => {
    const values = parse(await readFile(join(root, "examples/sessions/kubernetes/jwks-values.yaml"), "utf8")) as object;
    const objects = await render(values);
    const { containers, ...spec } = podOf(the(objects, "Deployment", "keyturn-jwks")).spec;
    expect(sessionArgs(containers[0].args)).toContain("--session-bus=tls://nats.nats:4222");
    expect(spec).toMatchObject({ terminationGracePeriodSeconds: 45 });
    expect(containers).toMatchObject([{ name: "keyturn" }, { name: "relay", env: [hubEnv], volumeMounts: [hubMount] }]);
    const { egress } = the(objects, "NetworkPolicy", "keyturn-jwks").spec as { readonly egress: readonly object[] };
    expect(egress.slice(2)).toMatchObject([{ ports: [{ port: 4222 }] }, { ports: [{ port: 8080 }] }]);
  });

  it.each([
    [{ ...sessions, containers: [] }, "jwks.sessions.containers: must have a container that attaches to the hub"],
    [{ ...sessions, bus: { secretName: "nats" } }, "jwks.sessions.bus.url: must be given"],
    [{ ...sessions, bus: { caConfigMap: "nats" } }, "jwks.sessions.bus.url: must be given"],
    [{ ...sessions, bus: { url: "http://nats:4222" } }, "jwks.sessions.bus.url"],
    [{ ...sessions, containers: [{ name: "relay" }] }, "image"],
  ])("refuses what could not work: %#", async (given, reason) => {
    const { code, err } = await template({ jwks: { ...everything.jwks, sessions: given } });
    expect(err.replaceAll("/", ".")).toContain(reason);
    expect(code).toBe(1);
  });
});

describe("the network policy of jwks that accepts sessions", () => {
  const tcp = (...list: readonly number[]): object => ({ ports: list.map((port) => ({ protocol: "TCP", port })) });
  const policyWith = async (networkPolicy: object, given: object = sessions) => {
    const values = {
      ...{ ...everything, networkPolicy: { enabled: true, ...networkPolicy } },
      jwks: { ...everything.jwks, sessions: given, revocations: {} },
    };
    return the(await render(values), "NetworkPolicy", "keyturn-jwks").spec as {
      readonly ingress: readonly object[];
      readonly egress: readonly object[];
    };
  };

  it("lets in who opens sessions, and out to the bus and where the containers go", async () => {
    const [sessionsFrom, sessionBusTo] = [[{ ipBlock: { cidr: "10.0.0.0/8" } }], [{ podSelector: {} }]];
    const sessionContainersTo = [{ to: [{ podSelector: { matchLabels: { app: "orders" } } }], ports: [{ port: 80 }] }];
    const { ingress, egress } = await policyWith({ sessionsFrom, sessionBusTo, sessionContainersTo });
    expect(ingress).toEqual([tcp(9090), tcp(8080), { ...tcp(8083, 8084), from: sessionsFrom }]);
    expect(egress.slice(2)).toEqual([{ ...tcp(4222), to: sessionBusTo }, ...sessionContainersTo]);
  });

  it("takes another port of the bus, and everybody where nobody is named", async () => {
    const { ingress, egress } = await policyWith({ sessionBusPorts: [443, 4333] });
    expect(ingress.at(-1)).toEqual(tcp(8083, 8084));
    expect(egress.slice(2)).toEqual([tcp(443, 4333)]);
  });

  it("leaves the bus out where there is none, and all of it where there are no sessions", async () => {
    const sessionContainersTo = [{ ports: [{ port: 80 }] }];
    expect((await policyWith({}, { ...sessions, bus: {} })).egress).toHaveLength(2);
    const without = await policyWith({ sessionContainersTo }, {});
    expect(without.ingress).toEqual([tcp(9090), tcp(8080)]);
    expect(without.egress).toHaveLength(2);
  });
});
