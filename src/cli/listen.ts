import { UsageError } from "./errors.ts";
import { quoted } from "./flags.ts";

/** Where a server listens; without a host on every address. */
export type ListenAddress = { readonly host?: string; readonly port: number } | "off";

/** `:9090`, `127.0.0.1:9090`, `[::1]:9090` or `off`. @throws UsageError */
export function listenAddress(text: string, name: string): ListenAddress {
  if (text === "off") return "off";
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (digits === "" || port > 65_535) {
    throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :9090 or 127.0.0.1:9090, or be off`);
  }
  return { ...(host !== undefined && host !== "" && { host }), port };
}
