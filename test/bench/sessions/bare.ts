import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onMeasuredCore } from "../renewals/pinned.ts";

export type Transport = "WebSocket" | "gRPC";

/** A bare server of the transport's library, on the measured core. */
export async function startBare(
  transport: Transport,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const [file, ...flags] = [...onMeasuredCore, process.execPath, "--max-semi-space-size=4"];
  const script = join(import.meta.dirname, "bare-child.ts");
  const child = spawn(file, [...flags, script, transport], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, port: Number(port) };
}
