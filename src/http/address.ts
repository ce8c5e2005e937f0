import { once } from "node:events";
import { chmod, lstat, unlink } from "node:fs/promises";
import type { Server } from "node:net";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { errnoOf, unlessMissing } from "../files/fs-errors.ts";

/** A TCP port, 0 for any that is free; without a host on every address. */
export interface TcpAddress {
  readonly kind: "tcp";
  readonly host?: string;
  readonly port: number;
}

/** Where a server listens. */
export type Address = TcpAddress | { readonly kind: "unix"; readonly path: string };

export const addressText = (address: Address): string =>
  address.kind === "unix" ? `unix:${address.path}` : `${address.host ?? ""}:${address.port}`;

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`; undefined for anything else. */
export function addressIn(text: string): Address | undefined {
  if (text.startsWith("unix:/")) return { kind: "unix", path: text.slice("unix:".length) };
  const [, bracketed, plain, digits = ""] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) return undefined;
  const host = bracketed ?? plain ?? "";
  return { kind: "tcp", port, ...(host !== "" && { host }) };
}

/** Resolves when it listens. @throws ChangeNeededError `AddressUnusable` */
export async function bind(server: Server, address: Address): Promise<void> {
  try {
    if (address.kind === "unix") await removeSocket(address.path);
    server.listen(
      address.kind === "unix"
        ? { path: address.path }
        : { port: address.port, ...(address.host !== undefined && { host: address.host }) },
    );
    await once(server, "listening");
    // Who shares the directory and the group may come; nobody else
    if (address.kind === "unix") await chmod(address.path, 0o660);
  } catch (error) {
    const why = errnoOf(error) ?? (error instanceof Error ? error.message : "unknown");
    throw new ChangeNeededError("AddressUnusable", `Cannot listen on ${addressText(address)}: ${why}`);
  }
}

/** Of TCP; 0 for a Unix socket. */
export function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** What a process that was killed has left; never anything else than a socket. */
async function removeSocket(path: string): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found?.isSocket() === true) await unlessMissing(unlink(path));
}
