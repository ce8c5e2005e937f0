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
export function hostAndPort(text: string): Exclude<ListenAddress, "off"> | undefined {
  const [, bracketed, plain, digits = ""] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) return undefined;
  const host = bracketed ?? plain ?? "";
  return { port, ...(host !== "" && { host }) };
}
