import { describe, expect, test } from "vitest";
import { ServiceManager, serviceManagerOf } from "../../src/cli/service-manager.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { HeardLog } from "../support/heard-log.ts";

const second = 1000;

function managed(env: Readonly<Record<string, string>> = {}, fail?: Error) {
  const told: string[] = [];
  const [clock, log] = [new FakeClock(), new HeardLog()];
  const send = async (assignments: readonly string[]): Promise<void> => {
    told.push(assignments.join(" "));
    if (fail) throw fail;
  };
  return { told, clock, log, manager: new ServiceManager({ env, pid: 4711, clock, log, send }) };
}

const missing = Object.assign(new Error("spawn systemd-notify ENOENT"), { code: "ENOENT" });

describe("ServiceManager", () => {
  test("says that it is ready once, how it is whenever that changes, and that it stops, in this order", async () => {
    const { told, manager } = managed();
    manager.ready("a signs");
    manager.ready("a signs");
    manager.ready("b signs");
    manager.stopping();
    await manager.heard();
    expect(told).toEqual(["READY=1 STATUS=a signs", "STATUS=b signs", "STOPPING=1"]);
  });

  test("keeps the watchdog twice as often as it asks for, from the first word to the last", async () => {
    const { told, clock, manager } = managed({ WATCHDOG_USEC: "20000000", WATCHDOG_PID: "4711" });
    await clock.advance(60 * second);
    expect(told).toEqual([]);
    manager.ready("a signs");
    await clock.advance(30 * second);
    await manager.heard();
    expect(told).toEqual(["READY=1 STATUS=a signs", ...Array.from({ length: 4 }, () => "WATCHDOG=1")]);
    manager.stopping();
    await clock.advance(60 * second);
    await manager.heard();
    expect(told.filter((one) => one === "WATCHDOG=1")).toHaveLength(4);
    expect(clock.waits).toEqual([]);
  });

  test.each([{}, { WATCHDOG_USEC: "" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "20000000", WATCHDOG_PID: "4712" }])(
    "keeps no watchdog that nobody asks of this process: %j",
    async (env) => {
      const { told, clock, manager } = managed(env);
      manager.ready("a signs");
      await clock.advance(60 * second);
      await manager.heard();
      expect(told).toEqual(["READY=1 STATUS=a signs"]);
    },
  );

  test("goes on where nobody can be told, and says so once", async () => {
    const { log, manager } = managed({}, missing);
    manager.ready("a signs");
    manager.stopping();
    await manager.heard();
    expect(log.lines).toEqual([
      "error {} systemd can't be told how this is: the program systemd-notify is missing. A unit without it has Type=exec and no WatchdogSec",
    ]);
  });

  test("is there only where somebody wants to hear", () => {
    const parts = { pid: 1, clock: new FakeClock(), log: new HeardLog() };
    expect(serviceManagerOf({ ...parts, env: {} })).toBeUndefined();
    expect(serviceManagerOf({ ...parts, env: { NOTIFY_SOCKET: "" } })).toBeUndefined();
    expect(serviceManagerOf({ ...parts, env: { NOTIFY_SOCKET: "@keyturn" } })).toBeDefined();
  });
});
