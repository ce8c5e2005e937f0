import type { ChildProcess } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianProgram } from "../../binary/gateway/programs.ts";
import { start } from "./processes.ts";

/** One process, to count what it takes. @param servers - What stands in `http { … }` */
export async function startNginx(folder: string, servers: string): Promise<ChildProcess> {
  const found = await debianProgram("nginx", "usr/sbin/nginx");
  if ("missing" in found) throw new Error(`Cannot measure against nginx: ${found.missing}`);
  const own = await mkdtemp(join(folder, "nginx-"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${own};`);
  const http = `access_log off; keepalive_requests 1000000000; ${temporary.join(" ")} ${servers}`;
  const config = join(own, "nginx.conf");
  await writeFile(config, `pid nginx.pid; events {}\nhttp { ${http} }\n`);
  const directives = "daemon off; master_process off; error_log stderr crit;";
  return start(found.path, ["-p", own, "-c", config, "-e", "stderr", "-g", directives]);
}
