import type { Address } from "./address.ts";

/** A Unix socket, or an address that this machine alone reaches. */
export const isLocal = (address: Address): boolean =>
  address.kind === "unix" || /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(address.host ?? "");

const ownHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(?<port>\d{1,5}))?$/i;

/**
 * The `Host` of a request names this machine itself. A web page may know another name for it, and then be of the same origin (DNS rebinding).
 *
 * @param port - The one that it must name; 80 may be left out. @default any
 */
export function namesThisMachine(host: string | undefined, port?: number): boolean {
  const found = ownHost.exec(host ?? "");
  return found !== null && (port === undefined || Number(found.groups?.["port"] ?? 80) === port);
}
