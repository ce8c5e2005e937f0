import { BlockList, isIP } from "node:net";
import type { Env } from "./terminal.ts";

/**
 * The proxy that the environment names for a server, as Go's net/http has it, and with it kubectl: `HTTPS_PROXY`, for plain
 * http `HTTP_PROXY`, each in small letters as well, but for `NO_PROXY`. Never for this machine itself.
 *
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
export function proxyOf(server: URL, env: Env): string | undefined {
  const name = server.protocol === "http:" ? "HTTP_PROXY" : "HTTPS_PROXY";
  const proxy = either(env, name);
  if (proxy === undefined || isSpared(server, either(env, "NO_PROXY") ?? "")) return undefined;
  return /^[a-z\d]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

const either = (env: Env, name: string): string | undefined =>
  [env[name], env[name.toLowerCase()]].find((value) => value !== undefined && value !== "");

/** Names and addresses with commas between: `*`, `example.com` (and all below), `.example.com` (all below), `10.0.0.0/8`, each with a port or without. */
function isSpared(server: URL, list: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = server.port || (server.protocol === "http:" ? "80" : "443");
  if (host === "localhost" || isWithin("127.0.0.0/8", host) || isWithin("::1/128", host)) return true;
  const entries = list.split(",").map((entry) => entry.trim().toLowerCase());
  return entries.some((entry) => {
    if (entry === "") return false;
    if (entry === "*" || isWithin(entry, host)) return true;
    const [, name = entry, itsPort] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry) ?? [];
    // An address without a port has colons, too
    const [wanted, at] = isIP(entry) > 0 ? [entry, undefined] : [name, itsPort];
    return (at === undefined || at === port) && isSame(wanted, host);
  });
}

function isSame(wanted: string, host: string): boolean {
  if (isIP(host) > 0) return wanted === host;
  const name = wanted.replace(/^\*\./, ".");
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isWithin(range: string, host: string): boolean {
  const [network = "", bits] = range.split("/");
  const family = isIP(network);
  if (bits === undefined || family === 0 || family !== isIP(host)) return false;
  const length = Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (family === 4 ? 32 : 128)) return false;
  const [list, type] = [new BlockList(), family === 4 ? "ipv4" : "ipv6"] as const;
  list.addSubnet(network, length, type);
  return list.check(host, type);
}
