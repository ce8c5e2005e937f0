import { once } from "node:events";
import { chmod, chown, lstat, unlink } from "node:fs/promises";
import type { Server } from "node:net";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { connectionProblem } from "../errors/errno-words.ts";
import { unlessMissing } from "../files/fs-errors.ts";

/** A TCP port, 0 for any that is free; without a host on every address. */
export interface TcpAddress {
  readonly kind: "tcp";
  readonly host?: string;
  readonly port: number;
}

interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
  /** Who may write there may come. @default 0o660: whoever shares the directory and the group, and nobody else */
  readonly mode?: number;
  /** @default the process's own, or the directory's */
  readonly groupId?: number;
}

/** Where a server listens. */
export type Address = TcpAddress | UnixAddress;

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
    if (address.kind === "unix") await bindSocket(server, address);
    else {
      server.listen({ port: address.port, ...(address.host !== undefined && { host: address.host }) });
      await once(server, "listening");
    }
  } catch (error) {
    // Nobody is to come to what has the wrong group
    if (server.listening) server.close();
    throw new ChangeNeededError(
      "AddressUnusable",
      `Cannot listen on ${addressText(address)}: ${connectionProblem(error)}`,
    );
  }
}

async function bindSocket(server: Server, { path, mode = 0o660, groupId }: UnixAddress): Promise<void> {
  await removeSocket(path);
  // Nobody else may come before mode and group are there. What other threads make meanwhile gets its mode by itself
  const before = process.umask(0o077);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
  await once(server, "listening");
  if (groupId !== undefined) await chown(path, process.geteuid?.() ?? 0, groupId);
  await chmod(path, mode);
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
