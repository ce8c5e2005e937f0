import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Address } from "../../http/address.ts";
import type { Listener } from "../../http/listener.ts";
import { isLocal } from "../../http/local-only.ts";
import type { HubSessions } from "./attachment.ts";
import type { SessionHub } from "./session-hub.ts";

/**
 * Lets the application come. A Unix socket gets mode 0660: whoever may open it hears everything, and sends as the application.
 *
 * @param address - A Unix socket, or a loopback address
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function openHub(address: Address, hub: SessionHub, sessions: HubSessions): Promise<Listener> {
  if (!isLocal(address)) {
    const must = "must be a Unix socket or a loopback address: whoever reaches it is the application";
    throw new ChangeNeededError("AddressUnusable", `Cannot open the hub there: ${must}`);
  }
  const [{ listenGrpc }, { hubFace, hubLimits }] = await Promise.all([
    import("../../grpc/listen-grpc.ts"),
    import("./grpc/hub-grpc.ts"),
  ]);
  return listenGrpc(address, hubFace(hub, sessions), hubLimits);
}
