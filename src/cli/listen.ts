import { type Address, addressIn, type TcpAddress } from "../http/address.ts";
import { UsageError } from "./report-error.ts";
import { quoted } from "../errors/quote.ts";

/** Where a server listens, or nowhere. */
export type ListenAddress = TcpAddress | "off";

/** `:9090`, `127.0.0.1:9090`, `[::1]:9090` or `off`. @throws UsageError */
export function listenAddress(text: string, name: string): ListenAddress {
  if (text === "off") return "off";
  const found = addressIn(text);
  if (found?.kind === "tcp") return found;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :9090 or 127.0.0.1:9090, or be off`);
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/keyturn/mint.sock`. @throws UsageError */
export function address(text: string, name: string): Address {
  const found = addressIn(text);
  if (found) return found;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :8080, 127.0.0.1:8080 or unix:/path`);
}

export type AddressOrOff = Address | "off";

/** As {@link address}, or `off`. @throws UsageError */
export function addressOrOff(text: string, name: string): AddressOrOff {
  const found = text === "off" ? text : addressIn(text);
  if (found !== undefined) return found;
  throw new UsageError(
    `Cannot use ${name} ${quoted(text)}: must look like :8080, 127.0.0.1:8080 or unix:/path, or be off`,
  );
}

/** @throws UsageError for a Unix socket */
export function tcpAddress(given: Address, name: string): TcpAddress {
  if (given.kind === "tcp") return given;
  throw new UsageError(`Cannot use ${name}: must be a TCP address`);
}
