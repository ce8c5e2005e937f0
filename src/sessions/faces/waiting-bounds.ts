import type { RegistryRules } from "../core/session-registry.ts";

/** What waits for a client that does not read, at the least; beyond it is lost. Frames, because a small one takes twenty times as much memory as it has bytes. */
const least = { bytes: 4_194_304, frames: 1024 };

/** What may wait for a client that does not read. What it has not confirmed is not among the lost, and goes again at once when it comes back: twice as much, in base64. */
export const waitingBounds = ({ queueBytes, queueMessages }: Pick<RegistryRules, "queueBytes" | "queueMessages">) => ({
  bytes: Math.max(least.bytes, 2 * queueBytes),
  frames: Math.max(least.frames, 2 * queueMessages),
});
