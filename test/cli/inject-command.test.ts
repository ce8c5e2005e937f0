import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { agentCommand } from "../../src/cli/commands/agent-command.ts";
import { gatewayCommand } from "../../src/cli/commands/gateway-command.ts";
import { type RevocationFlags, revocationsOf } from "../../src/cli/revocation-flags.ts";
import { type SessionFlags, sessionsOf } from "../../src/cli/session-flags.ts";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const pod = `apiVersion: v1
kind: Pod
metadata: {name: orders, namespace: shop}
spec: {containers: [{name: app, image: orders:1}]}
`;

/** What `keyturn inject` prints, on success and else. */
async function injected(own: readonly string[], ofGateway: readonly string[]) {
  const cli = new FakeCli();
  cli.files.set("pod.yaml", pod);
  const code = await cli.run("inject", "-f", "pod.yaml", "--rotation", "orders", ...own, "--", ...ofGateway);
  return { code, out: cli.io.out.text, err: cli.io.err.text };
}

interface Injected {
  readonly spec: {
    readonly initContainers: readonly { readonly args: readonly string[] }[];
    readonly volumes: unknown;
  };
}

/** Flags of the gateway and volumes of the pod in a manifest. */
function read(manifest: string) {
  const { spec } = parseAllDocuments(manifest)[0]?.toJS() as Injected;
  return { args: spec.initContainers[0]?.args, volumes: spec.volumes };
}

/** The volume with a token for the audience, and what is beside it. */
const volumeOf = (audience: string, ...beside: readonly object[]) => ({
  name: "keyturn-issuer",
  projected: {
    sources: [{ serviceAccountToken: { path: "token", audience, expirationSeconds: 3600 } }, ...beside],
  },
});

const revocations = "--revocations=https://issuer.example/v1/revocations";
const client = ["--revocations-client=gateway", "--revocations-secret-file=/run/secret"];

describe("inject, of a gateway that hears of revocations", () => {
  test("makes a token by which the issuer lets it in", async () => {
    const { code, out } = await injected([], [revocations]);
    expect(code).toBe(0);
    const { args, volumes } = read(out);
    expect(args?.slice(-2)).toEqual([revocations, "--revocations-token-file=/run/keyturn/issuer/token"]);
    expect(volumes).toContainEqual(volumeOf("keyturn-issuer"));
  });

  test("takes another audience, and a ConfigMap with the CA", async () => {
    const own = ["--revocations-audience", "https://issuer.example", "--revocations-ca-config-map", "issuer-ca"];
    const { args, volumes } = read((await injected(own, [revocations])).out);
    expect(args).toContain("--revocations-ca-file=/run/keyturn/issuer/ca.crt");
    const ca = { configMap: { name: "issuer-ca", items: [{ key: "ca.crt", path: "ca.crt" }] } };
    expect(volumes).toContainEqual(volumeOf("https://issuer.example", ca));
  });

  test("prints flags that the gateway takes", async () => {
    const { out } = await injected(
      ["--revocations-ca-config-map=issuer-ca"],
      [revocations, "--revocations-max-age=5m"],
    );
    const gateway = gatewayCommand({ ...new FakeCli().surroundings(), ended: () => undefined }).exitOverride();
    const { operands, unknown } = gateway.parseOptions([...(read(out).args ?? [])]);
    expect({ operands, unknown }).toEqual({ operands: ["gateway"], unknown: [] });
    expect(revocationsOf(gateway.opts<RevocationFlags>())).toEqual({
      url: new URL("https://issuer.example/v1/revocations"),
      credentials: { kind: "token", tokenFile: "/run/keyturn/issuer/token" },
      caFile: "/run/keyturn/issuer/ca.crt",
      maxAgeMs: 300_000,
    });
  });

  test.each([
    ["asks no issuer", []],
    ["has a token of its own", [revocations, "--revocations-token-file=/run/mine"]],
    ["is a client", [revocations, ...client]],
  ])("makes none for one that %s", async (_, ofGateway) => {
    const { code, out } = await injected([], ofGateway);
    expect(code).toBe(0);
    expect(out).not.toContain("keyturn-issuer");
    expect(read(out).args).toEqual(expect.arrayContaining([...ofGateway]));
  });

  const caFile = "--revocations-ca-file=/run/ca.crt";
  const [audience, ca] = ["--revocations-audience=a", "--revocations-ca-config-map=a"];
  test.each<[readonly string[], readonly string[], string]>([
    [[], [client[0] ?? ""], "must have either --revocations-token-file, or --revocations-client"],
    [[], [revocations, client[0] ?? ""], "must have either --revocations-token-file, or --revocations-client"],
    [[], ["--revocations-max-age=5m"], "must have --revocations beside the flags that begin with its name"],
    [[], ["--revocations=http://issuer.example/v1/revocations"], "must be a URL of https, except on this machine"],
    [[audience], [], "Cannot use --revocations-audience: must have --revocations after --"],
    [[ca], [], "Cannot use --revocations-ca-config-map: must have --revocations after --"],
    [[audience], [revocations, ...client], "Cannot use --revocations-audience: must have --revocations after --"],
    [[ca], [revocations, caFile], "must have --revocations-ca-config-map or --revocations-ca-file, has both"],
    [["--revocations-ca-config-map=A"], [revocations], "must be a name"],
  ])("refuses what no gateway could run with: %j -- %j", async (own, ofGateway, reason) => {
    const { code, out, err } = await injected(own, ofGateway);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(reason);
  });
});

describe("inject, of sessions", () => {
  const bus = "--session-bus=nats://nats:4222";

  test("prints flags that the gateway takes, and can run with", async () => {
    const own = ["--sessions", "--session-bus-secret=nats", "--session-bus-ca-config-map=nats-ca"];
    const { code, out, err } = await injected(own, [bus, "--session-grace=10s"]);
    expect(code).toBe(0);
    expect(err).not.toContain("cut off");
    const gateway = gatewayCommand({ ...new FakeCli().surroundings(), ended: () => undefined }).exitOverride();
    const { operands, unknown } = gateway.parseOptions([...(read(out).args ?? [])]);
    expect({ operands, unknown }).toEqual({ operands: ["gateway"], unknown: [] });
    expect(sessionsOf(gateway.opts<SessionFlags>())).toMatchObject({
      listen: { kind: "tcp", port: 8083 },
      grpcListen: { kind: "tcp", port: 8084 },
      hubListen: { kind: "unix", path: "/run/keyturn-hub/hub.sock" },
      rules: { graceMs: 10_000 },
    });
  });

  test("takes other ports", async () => {
    const { out } = await injected(["--sessions", "--session-port=9001", "--session-grpc-port=9002"], []);
    expect(read(out).args).toEqual(expect.arrayContaining(["--session-listen=:9001", "--session-grpc-listen=:9002"]));
  });

  test("says when the drain is longer than what is left to a pod", async () => {
    const { err } = await injected(["--sessions"], ["--drain-timeout=1m"]);
    expect(err).toContain("terminationGracePeriodSeconds must be at least 65, is 30");
  });

  test.each<[readonly string[], readonly string[], string]>([
    [["--session-port=9001"], [], "Cannot use --session-port: must have --sessions beside it"],
    [["--session-bus-secret=nats"], [bus], "Cannot use --session-bus-secret: must have --sessions beside it"],
    [
      ["--sessions"],
      ["--session-listen=:9001"],
      "Cannot use --session-listen for the gateway: inject must set it itself",
    ],
    [
      ["--sessions"],
      ["--hub-listen=127.0.0.1:1"],
      "Cannot use --hub-listen for the gateway: inject must set it itself",
    ],
    [
      ["--sessions", "--session-bus-secret=nats"],
      [],
      "Cannot use --session-bus-secret: must have --session-bus after --",
    ],
    [
      ["--sessions", "--session-bus-ca-config-map=a"],
      [],
      "Cannot use --session-bus-ca-config-map: must have --session-bus",
    ],
    [
      ["--sessions", "--session-bus-secret=nats"],
      [bus, "--session-bus-credentials-file=/a"],
      "must have --session-bus-secret or --session-bus-credentials-file, has both",
    ],
    [
      ["--sessions", "--session-bus-ca-config-map=nats"],
      [bus, "--session-bus-ca-file=/a"],
      "must have --session-bus-ca-config-map or --session-bus-ca-file, has both",
    ],
    [["--sessions", "--session-port=8080"], [], "the ports of the sidecars must differ"],
    [["--sessions"], ["--mint-listen=127.0.0.1:8084"], "the ports of the sidecars must differ"],
    [["--sessions", "--session-bus-secret=A"], [bus], "must be a name"],
    [[], ["--session-grace=10s"], "must have --session-listen or --session-grpc-listen beside --session-grace"],
    [
      ["--sessions"],
      ["--session-queue-bytes=1GiB"],
      "--session-queue-bytes must be no more than --session-total-bytes",
    ],
  ])("refuses what no gateway could run with: %j -- %j", async (own, ofGateway, reason) => {
    const { code, out, err } = await injected(own, ofGateway);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(reason);
  });

  test("is for a gateway", async () => {
    const cli = new FakeCli();
    cli.files.set("pod.yaml", pod);
    expect(await cli.run("inject", "-f", "pod.yaml", "--agent", "--sessions", "--", "--issuer=https://a")).toBe(2);
    expect(cli.io.err.text).toContain("Cannot use --sessions: must have --rotation beside it");
  });
});

describe("inject, of an agent", () => {
  const issuer = "--issuer=https://tokens.example";
  const proxy = ["--proxy-listen=127.0.0.1:8082", "--upstream=https://api.example"];

  /** What `keyturn inject` prints of these arguments. */
  async function printed(...args: readonly string[]) {
    const cli = new FakeCli();
    cli.files.set("pod.yaml", pod);
    const code = await cli.run("inject", "-f", "pod.yaml", ...args);
    return { code, out: cli.io.out.text, err: cli.io.err.text };
  }

  /** Arguments of the sidecars in a manifest. */
  const argsIn = (manifest: string) =>
    (parseAllDocuments(manifest)[0]?.toJS() as Injected).spec.initContainers.map(({ args }) => args);

  test("prints flags that the agent takes, and can run with", async () => {
    const { code, out, err } = await printed("--agent", "--", issuer, "--name=orders", "--audiences=api", ...proxy);
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining("the TokenIssuer must trust that") as unknown,
    });
    const [args = []] = argsIn(out);
    const agent = agentCommand({ ...new FakeCli().surroundings(), ended: () => undefined }).exitOverride();
    const { operands, unknown } = agent.parseOptions([...args]);
    expect({ operands, unknown }).toEqual({ operands: ["agent"], unknown: [] });
    expect(out).toContain("{name: KEYTURN_IDENTITY, value: orders}");
  });

  test("takes a ConfigMap, and is asked for by it", async () => {
    const { code, out } = await printed("--agent-config=agent", "--agent-admin-port=9099");
    expect(code).toBe(0);
    expect(argsIn(out)).toMatchObject([expect.arrayContaining(["--admin-listen=:9099"])]);
    expect(out).toContain("configMap: {name: agent}");
  });

  test("comes with the gateway, each with its own flags", async () => {
    const { code, out } = await printed("--rotation=orders", "--agent", "--", "--acks=off", "--", issuer);
    expect(code).toBe(0);
    const [gateway = [], agent = []] = argsIn(out);
    expect([gateway[0], gateway.at(-1), agent[0], agent.at(-1)]).toEqual(["gateway", "--acks=off", "agent", issuer]);
  });

  test("is taken away by --remove, and the gateway, too", async () => {
    const cli = new FakeCli();
    cli.files.set("pod.yaml", (await printed("--rotation=orders", "--agent", "--", "--", issuer)).out);
    expect(await cli.run("inject", "-f", "pod.yaml", "--remove")).toBe(0);
    expect(cli.io.out.text).not.toMatch(/initContainers|volumes|KEYTURN/);
    expect(cli.io.err.text).toContain("the agent that was injected before is taken away");
  });

  test.each<[readonly string[], string]>([
    [[], "must have --rotation, --agent or --remove"],
    [["--agent-audience=a", "--rotation=r"], "Cannot use --agent-audience: must have --agent beside it"],
    [["--admin-port=9099", "--agent", "--", issuer], "Cannot use --admin-port: must have --rotation beside it"],
    [["--remove", "--agent"], "cannot be used with option"],
    [["--remove", "--", issuer], "--remove puts nothing"],
    [["--agent", "--", issuer, "--", issuer], "must have --rotation and --agent for it"],
    [["--agent", "--", issuer, "--no-such"], 'Cannot use "--no-such": must be a flag of keyturn agent'],
    [["--agent", "--", issuer, "a"], 'Cannot use "a": must be a flag of keyturn agent'],
    [["--agent", "--", issuer, "--state-dir=/a"], "Cannot use --state-dir for the agent: inject must set it itself"],
    [["--agent", "--", issuer, "--token-file=/a"], "Cannot use --token-file for the agent: inject must set it itself"],
    [
      ["--agent", "--", issuer, "--proxy-listen=unix:/tmp/a", "--upstream=https://a"],
      "must be a socket in /run/keyturn-agent",
    ],
    [["--agent", "--agent-admin-port=8082", "--", issuer, ...proxy], "the ports of the sidecars must differ"],
    [
      ["--agent", "--rotation=r", "--agent-admin-port=8080", "--", "--", issuer],
      "the ports of the sidecars must differ",
    ],
    [["--agent"], "--issuer"],
    [["--agent", "--", "--issuer=http://tokens.example"], "--issuer"],
    [["--agent", "--", issuer, "--name=A"], "--name"],
    [["--agent", "--", issuer, "--upstream=https://a"], "--proxy-listen"],
    [["--agent-config=agent", "--", issuer], "--config"],
  ])("refuses what no agent could run with: %j", async (args, reason) => {
    const { code, out, err } = await printed(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(reason);
  });
});
