import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseRotation } from "../../src/ring/resource/rotation.ts";
import { standaloneMetrics } from "../../src/standalone/admin/open-admin.ts";
import { exec, hasSystemd, readBy, Units } from "./support/units.ts";

const units = new Units("standalone");
const unit = "keyturn.service";
const flagOf = (name: string): string | undefined =>
  units
    .argsOf(unit)
    .find((arg) => arg.startsWith(`${name}=`))
    ?.slice(name.length + 1);

describe("examples/standalone", () => {
  test("starts standalone with flags that it has, and a config that it takes", async () => {
    expect(await readBy(units.argsOf(unit))).toEqual({ command: "standalone", unknown: [] });
    expect(flagOf("--config")).toBe("/etc/keyturn/rotation.yaml");
    expect(parseRotation(parse(units.textOf("rotation.yaml"))).ref.name).toBe("shop");
  });

  test("runs it in a container with flags that it has, on the directories that it mounts", async () => {
    const script = units.textOf("container.sh");
    const [line = ""] = /standalone --dir=.*$/m.exec(script) ?? [];
    const args = line.replaceAll('"', "").split(" ");
    expect(await readBy(args)).toEqual({ command: "standalone", unknown: [] });
    for (const mount of [':/var/lib/keyturn"', ':/etc/keyturn:ro"']) expect(script).toContain(mount);
    await exec("sh", ["-n", join(units.folder, "container.sh")]);
  });

  test("counts as started when there are keys, and is ended when it no longer answers", () => {
    expect(units.valuesOf(unit, "Type")).toEqual(["notify"]);
    // The program systemd-notify is a process of its own
    expect(units.valuesOf(unit, "NotifyAccess")).toEqual(["all"]);
    expect(Number(units.valuesOf(unit, "WatchdogSec")[0])).toBeGreaterThan(20);
  });

  test("lets whoever signs to signer/, by the group that systemd-sysusers makes, and nobody to a core dump", () => {
    const sysusers = units.textOf("keyturn.conf");
    const group = flagOf("--signer-group") ?? "";
    const [user = ""] = units.valuesOf(unit, "User");
    expect(sysusers).toMatch(new RegExp(`^g ${group} `, "m"));
    expect(sysusers).toMatch(new RegExp(`^u ${user} `, "m"));
    expect(sysusers).toMatch(new RegExp(`^m ${user} ${group}$`, "m"));
    expect(flagOf("--dir")).toBe(`/var/lib/${units.valuesOf(unit, "StateDirectory")[0] ?? ""}`);
    expect(units.valuesOf(unit, "StateDirectoryMode")).toEqual(["0755"]);
    expect(units.valuesOf(unit, "LimitCORE")).toEqual(["0"]);
  });
});

describe("systemd itself", () => {
  test("takes the unit without a remark", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const { stdout, stderr } = await units.analyzed((paths) => exec("systemd-analyze", ["verify", ...paths]));
    expect(`${stdout}${stderr}`).toBe("");
  });

  test("finds it well fenced in", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const flags = ["security", "--offline=true", "--threshold=20"];
    await units.analyzed((paths) => exec("systemd-analyze", [...flags, ...paths]));
  });
});

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook_url", string>>;
}

describe("alerts.yaml", async () => {
  const { groups } = parse(units.textOf("alerts.yaml")) as { groups: readonly { rules: readonly Alert[] }[] };
  const alerts = groups.flatMap(({ rules }) => rules);
  const registry = new Registry();
  standaloneMetrics(registry, () => 0);
  const measured = (registry.getMetricsAsArray() as readonly unknown[] as readonly { name: string }[]).map(
    ({ name }) => name,
  );
  const chart = join(import.meta.dirname, "../../charts/keyturn/files/alerts.yaml");
  const ofChart = (parse(await readFile(chart, "utf8")) as { rules: readonly Alert[] }).rules;
  const metricsIn = (expr: string): readonly string[] => expr.match(/keyturn_\w+/g) ?? [];

  test("has every alert of the chart that asks for nothing but what standalone measures, and asks the same", () => {
    const meant = ofChart.filter(({ expr }) => {
      const asked = metricsIn(expr);
      return asked.length > 0 && asked.every((metric) => measured.includes(metric));
    });
    expect(meant.length).toBeGreaterThan(5);
    const asking = ({ alert, expr, for: lasting, labels }: Alert) => ({ alert, expr, lasting, labels });
    expect(alerts.map(asking)).toEqual(expect.arrayContaining(meant.map(asking)));
  });

  test("asks for what standalone measures alone, and sends nobody to kubectl", () => {
    for (const { alert, expr, annotations } of alerts) {
      expect(metricsIn(expr), alert).not.toEqual([]);
      for (const metric of metricsIn(expr)) expect(measured, alert).toContain(metric);
      expect(`${annotations.summary}${annotations.description}`, alert).not.toMatch(/kubectl|controller|pod/);
    }
  });

  test("leads to pages and headings that there are", async () => {
    for (const { alert, annotations } of alerts) {
      const [, file = "", anchor] = /\/blob\/main\/(docs\/[a-z]+\.md)(?:#(.*))?$/.exec(annotations.runbook_url) ?? [];
      const page = await readFile(join(import.meta.dirname, "../..", file), "utf8");
      const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
        text
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} -]/gu, "")
          .replaceAll(" ", "-"),
      );
      if (anchor !== undefined) expect(anchors, alert).toContain(anchor);
    }
  });
});
