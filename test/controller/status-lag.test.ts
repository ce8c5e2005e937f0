import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { StatusLag } from "../../src/controller/status-lag.ts";
import { epoch } from "../support/story.ts";

const ref = { namespace: "default", name: "gateway" };

it("StatusLag says how long the status that is furthest behind its ring has been so", async () => {
  const registry = new Registry();
  let nowMs = epoch;
  const all = new StatusLag(registry, () => nowMs);
  const lag = async () => (await registry.metrics()).match(/^keyturn_status_lag_seconds (.*)$/m)?.[1];
  all.behind(ref, epoch);
  all.behind({ ...ref, name: "other" }, epoch + 1000);
  all.behind(ref, epoch + 2000);
  nowMs += 3000;
  expect(await lag()).toBe("3");
  all.reported(ref);
  expect(await lag()).toBe("2");
  all.reported({ ...ref, name: "other" });
  expect(await lag()).toBe("0");
});

it("StatusLag of a process that no longer leads is none", async () => {
  const registry = new Registry();
  const all = new StatusLag(registry, () => epoch + 1000);
  all.behind(ref, epoch);
  all.forgetAll();
  expect(await registry.metrics()).toMatch(/^keyturn_status_lag_seconds 0$/m);
});
