import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quoted } from "../../errors/quote.ts";
import type { BusOptions } from "../sessions-options.ts";

/** @throws ChangeNeededError `BusUnusable` when an address has a user or a password, or is none; when the prefix is no subject */
export function checkBusPlace({ servers, prefix }: Pick<BusOptions, "servers" | "prefix">): void {
  for (const server of servers) checkServer(server);
  if (!/^[\w-]+(\.[\w-]+)*$/.test(prefix)) {
    throw busUnusable(`prefix ${quoted(prefix)}: must be words of letters, digits, "_" and "-" with dots between`);
  }
}

function checkServer(server: string): void {
  const url = URL.parse(server);
  const isPlain = url && url.username === "" && url.password === "" && /^\/?$/.test(url.pathname);
  if (!isPlain || url.hostname === "" || !["nats:", "tls:"].includes(url.protocol)) {
    // It may hold a password
    throw busUnusable("server: must be nats://HOST:PORT or tls://HOST:PORT, without a user and a password");
  }
}

export const busUnusable = (what: string): ChangeNeededError =>
  new ChangeNeededError("BusUnusable", `Cannot use the session bus's ${what}`);
