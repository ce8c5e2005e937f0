import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { Address } from "../http/address.ts";
import { isLocal } from "../http/local-only.ts";
import { checkOwnedHeaders } from "./faces/owned-headers.ts";
import type { GatewayOptions } from "./options.ts";

/** What a gateway refuses before it opens anything. @throws ChangeNeededError `HeaderUnusable`, `AddressUnusable` */
export function checkFaces({ owned, mintListen }: Pick<GatewayOptions, "owned" | "mintListen">): void {
  checkOwnedHeaders(owned);
  if (mintListen !== undefined) mustBeLocal(mintListen);
}

/** Tokens are for those who share the pod, or the machine. */
function mustBeLocal(address: Address): void {
  if (isLocal(address)) return;
  throw new ChangeNeededError("AddressUnusable", "Cannot mint there: must be a Unix socket or a loopback address");
}
