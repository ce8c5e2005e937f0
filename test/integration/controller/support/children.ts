import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inject, onTestFinished } from "vitest";
import { tokenFor } from "../../support/scene.ts";
import type { ChildOrders } from "./child.ts";
import { account, type Scene } from "./scene.ts";

type Orders = Pick<ChildOrders, "identity" | "leaseMs" | "at" | "signal">;

export interface Child {
  readonly lines: readonly string[];
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<unknown>;
  /** Resolves when it says a line that begins so, or has said it. */
  says(start: string): Promise<void>;
}

/** The controller in a process of its own, killed at the end of the test. */
export async function startChild({ namespace }: Scene, orders: Orders): Promise<Child> {
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, account);
  const all: ChildOrders = { server, token, namespace, ...(ca !== undefined && { ca }), ...orders };
  const script = join(import.meta.dirname, "child.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(all)], {
    // Without the cache it spends most of its start on stripping types
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "keyturn-compile-cache") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  return {
    lines,
    kill: (signal) => void child.kill(signal),
    exited: once(child, "exit"),
    says: (start) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!lines.some((line) => line.startsWith(start))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
