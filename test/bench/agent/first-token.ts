import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Figure } from "../figures.ts";
import { issuerOn } from "../renewals/issuer-process.ts";
import { end, start } from "../sidecar/processes.ts";
import { median, timeOf } from "../times.ts";
import { keyturnAgent } from "./agent-process.ts";

/** From the start of the agent to the first token in the file, against an exchange by curl with the same issuer. Each is a process from its start. */
export async function firstToken(folder: string, { starts }: { readonly starts: number }): Promise<readonly Figure[]> {
  const issuer = await issuerOn(`sqlite:${join(folder, "first.db")}`, folder);
  const url = `http://127.0.0.1:${issuer.port}`;
  const byAgent = async (): Promise<number> => {
    const own = await mkdtemp(join(folder, "first-"));
    const [file, secret] = [join(own, "token"), join(folder, "secret")];
    const begunMs = performance.now();
    const child = await keyturnAgent([
      ...[`--issuer=${url}`, "--client-id=client-0", `--client-secret-file=${secret}`, "--audiences=api"],
      ...[`--sink-file=${file}`, `--listen=unix:${join(own, "agent.sock")}`],
    ]);
    // A file is there when it is whole
    while ((await readFile(file, "utf8").catch(() => "")) === "") await pause(0.5);
    const tookMs = performance.now() - begunMs;
    await end(child);
    return tookMs;
  };
  const secret = (await readFile(join(folder, "secret"), "utf8")).trim();
  const form = ["--data", "grant_type=client_credentials", "--data", "audience=api"];
  const curl = ["--fail", "--silent", "--user", `client-0:${secret}`, ...form, `${url}/oauth2/token`];
  const byCurl = () => timeOf(() => once(start("curl", curl), "exit"));
  const byNode = () => timeOf(() => once(start(process.execPath, ["-e", "0"]), "exit"));
  const tookMs = { agent: [] as number[], curl: [] as number[], node: [] as number[] };
  try {
    await byCurl();
    for (let i = 0; i < starts; i++) {
      tookMs.agent.push(await byAgent());
      tookMs.curl.push(await byCurl());
      tookMs.node.push(await byNode());
    }
  } finally {
    await end(issuer.child);
  }
  const figure = { what: "start of the agent to the first token in the file", unit: "ms" } as const;
  const ours = median(tookMs.agent);
  return [
    { ...figure, ours, baseline: { name: "one exchange by curl", value: median(tookMs.curl) }, goal: "≤ 1.5×" },
    { ...figure, ours, baseline: { name: "an empty Node.js process, to its end", value: median(tookMs.node) } },
  ];
}
