import type { Address, TcpAddress } from "../http/address.ts";
import { UsageError } from "./report-error.ts";
import { quoted } from "../errors/quote.ts";

/** Where a server listens; without a host on every address. */
export type ListenAddress = { readonly host?: string; readonly port: number } | "off";

/** `:9090`, `127.0.0.1:9090`, `[::1]:9090` or `off`. @throws UsageError */
export function listenAddress(text: string, name: string): ListenAddress {
  if (text === "off") return "off";
  const found = hostAndPort(text);
  if (found) return found;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :9090 or 127.0.0.1:9090, or be off`);
}

/** `:9090`, `127.0.0.1:9090`, `[::1]:9090`; undefined for anything else. */
function hostAndPort(text: string): Exclude<ListenAddress, "off"> | undefined {
  const [, bracketed, plain, digits = ""] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) return undefined;
  const host = bracketed ?? plain ?? "";
  return { port, ...(host !== "" && { host }) };
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/keyturn/mint.sock`. @throws UsageError */
export function address(text: string, name: string): Address {
  if (text.startsWith("unix:/")) return { kind: "unix", path: text.slice("unix:".length) };
  const found = hostAndPort(text);
  if (found) return { kind: "tcp", ...found };
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :8080, 127.0.0.1:8080 or unix:/path`);
}

/** @throws UsageError for a Unix socket */
export function tcpAddress(given: Address, name: string): TcpAddress {
  if (given.kind === "tcp") return given;
  throw new UsageError(`Cannot use ${name}: must be a TCP address`);
}
