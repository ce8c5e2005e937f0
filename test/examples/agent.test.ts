import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseTokenAgent } from "../../src/agent/config/read-token-agent.ts";
import { exec, hasSystemd, readBy, Units } from "./support/units.ts";

const units = new Units("agent");
const { folder } = units;
const agent = "keyturn-agent.service";
const textOf = (file: string): string => units.textOf(file);
const argsOf = (unit: string): readonly string[] => units.argsOf(unit);
const valuesOf = (unit: string, wanted: string): readonly string[] => units.valuesOf(unit, wanted);

describe("examples/agent", () => {
  test("starts the agent with flags that it has", async () => {
    expect(valuesOf(agent, "ExecStart")[0]).toMatch(/^\/usr\/local\/bin\/keyturn /);
    expect(await readBy(argsOf(agent))).toEqual({ command: "agent", unknown: [] });
    // The check would see one that it has not
    expect((await readBy([...argsOf(agent), "--no-such"])).unknown).toEqual(["--no-such"]);
  });

  test("has a file that the agent takes, and that says where all of it goes", () => {
    const { identities, proxies } = parseTokenAgent(parse(textOf("agent.yaml")), folder);
    expect(identities).toMatchObject([
      {
        name: "orders",
        source: { kind: "clientSecret", clientId: "orders" },
        request: { refreshTtlMs: 720 * 3_600_000 },
        sinks: [
          { path: "/run/keyturn-agent/orders", format: "token", mode: 0o640 },
          { path: "/run/keyturn-agent/orders.header", format: "header", mode: 0o640 },
        ],
      },
    ]);
    expect(proxies).toMatchObject([{ listen: { port: 8082 }, identity: "orders" }]);
    expect(argsOf("orders.service")).toContain("--api=http://127.0.0.1:8082");
    expect(textOf("orders-report.service")).toContain("@/run/keyturn-agent/orders.header ");
  });

  test("waits with what comes after it for a file that the agent writes", () => {
    const [, file = ""] = /\[ -s (\S+) \]/.exec(valuesOf(agent, "ExecStartPost")[0] ?? "") ?? [];
    expect(file).not.toBe("");
    expect(textOf("agent.yaml")).toContain(`path: ${file}\n`);
    for (const unit of units.names.filter((one) => one !== agent)) expect(valuesOf(unit, "After")).toContain(agent);
  });

  test("hands over the credential under the name that the file has, and keeps tokens out of core dumps", () => {
    const [name = ""] = (valuesOf(agent, "LoadCredential")[0] ?? "").split(":");
    expect(textOf("agent.yaml")).toContain(`secretFile: /run/credentials/${agent}/${name}\n`);
    for (const unit of units.names) expect(valuesOf(unit, "LimitCORE")).toEqual(["0"]);
  });

  test("keeps what it stores where no other user comes, and shows tokens to its group", () => {
    expect(argsOf(agent)).toContain(`--state-dir=/var/lib/${valuesOf(agent, "StateDirectory")[0] ?? ""}`);
    expect(valuesOf(agent, "StateDirectoryMode")).toEqual(["0700"]);
    expect(valuesOf(agent, "RuntimeDirectoryMode")).toEqual(["0750"]);
    const written = [...textOf("agent.yaml").matchAll(/path: (\S+)/g)].map(([, path = ""]) => path);
    const runtime = `/run/${valuesOf(agent, "RuntimeDirectory")[0] ?? ""}/`;
    expect(written.filter((path) => !path.startsWith(runtime))).toEqual([]);
    const [group = ""] = valuesOf(agent, "Group");
    expect(textOf("keyturn-agent.conf")).toContain(`\nu ${group} `);
    expect(valuesOf("orders-report.service", "SupplementaryGroups")).toEqual([group]);
  });
});

describe("systemd itself", () => {
  test("takes every unit without a remark", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const { stdout, stderr } = await units.analyzed((paths) => exec("systemd-analyze", ["verify", ...paths]));
    expect(`${stdout}${stderr}`).toBe("");
  });

  test("finds the agent well fenced in", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const flags = ["security", "--offline=true", "--threshold=20"];
    await units.analyzed((paths) =>
      exec("systemd-analyze", [...flags, ...paths.filter((path) => path.endsWith(agent))]),
    );
  });
});
