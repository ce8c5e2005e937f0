import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import type { Figure } from "../figures.ts";
import { startNginx } from "../sidecar/nginx.ts";
import { cpuSeconds, end, load, start, untilOk } from "../sidecar/processes.ts";
import { median } from "../times.ts";

export interface LoadSize {
  readonly rounds: number;
  readonly loadMs: number;
}

const answer = "x".repeat(200);

/** One upstream, asked straight, through nginx and through the agent's proxy, in turns. */
export async function proxiedLoad(folder: string, { rounds, loadMs }: LoadSize): Promise<readonly Figure[]> {
  const [direct, passing, own] = [await freePort(), await freePort(), await freePort()];
  const upstream = await startNginx(
    folder,
    `server { listen 127.0.0.1:${direct}; location / { default_type application/json; return 200 ${answer}; } }`,
  );
  const nginx = await startNginx(
    folder,
    `upstream u { server 127.0.0.1:${direct}; keepalive 64; keepalive_requests 1000000000; }
     server { listen 127.0.0.1:${passing}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
       proxy_set_header Authorization "Bearer ${"t".repeat(600)}"; } }`,
  );
  const ours = start(process.execPath, [join(import.meta.dirname, "proxy-child.ts"), String(direct), String(own)]);
  try {
    await Promise.all([direct, passing, own].map((port) => untilOk(port, "/")));
    const request = ["GET /orders/7 HTTP/1.1", "Host: localhost", "Accept: */*", "User-Agent: bench", "", ""].join(
      "\r\n",
    );
    const rate = async (port: number, child: typeof ours) => {
      const before = await cpuSeconds(child);
      const answers = await load(port, request, loadMs);
      return { wall: (answers * 1000) / loadMs, cpu: answers / Math.max((await cpuSeconds(child)) - before, 0.01) };
    };
    await rate(own, ours);
    const all = {
      direct: [] as number[],
      nginx: [] as number[],
      ours: [] as number[],
      nginxCpu: [] as number[],
      oursCpu: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      all.direct.push((await rate(direct, upstream)).wall);
      const [theirs, mine] = [await rate(passing, nginx), await rate(own, ours)];
      all.nginx.push(theirs.wall);
      all.nginxCpu.push(theirs.cpu);
      all.ours.push(mine.wall);
      all.oursCpu.push(mine.cpu);
    }
    const straight = { name: "the same without it", value: median(all.direct) };
    return [
      { what: "GET through nginx proxy_pass", unit: "a second", ours: median(all.nginx), baseline: straight },
      { what: "GET through the proxy", unit: "a second", ours: median(all.ours), baseline: straight },
      {
        what: "both as a part of the same without them",
        unit: "a second",
        ours: median(all.ours),
        baseline: { name: "nginx proxy_pass", value: median(all.nginx) },
        goal: "≥ 0.5×",
      },
      {
        what: "GET through the proxy, its own processor time",
        unit: "a CPU second",
        ours: median(all.oursCpu),
        baseline: { name: "nginx proxy_pass", value: median(all.nginxCpu) },
      },
    ];
  } finally {
    await Promise.all([end(ours), end(nginx), end(upstream)]);
  }
}
