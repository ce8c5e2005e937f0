import { TryLaterError } from "../errors/keyturn-error.ts";
import type { RingMemory } from "../holder/ring-memory.ts";
import { isReady, mintView } from "../holder/state-view.ts";
import { keysOf } from "../ring/ring.ts";
import type { Clock } from "../time/clock.ts";
import type { IssuerParts, Signing } from "./tokens/issuer-parts.ts";

/**
 * What an issuer uses of a ring in memory: always as it is at the call. Without a ring nobody knows how long a revocation must be
 * kept: `longestTtlMs` throws TryLaterError `NoSigner`.
 */
export function signingOn(
  memory: RingMemory,
  clock: Pick<Clock, "nowMs">,
): Pick<IssuerParts, "signing" | "longestTtlMs"> {
  return {
    signing: () => {
      const { current, half } = memory.state;
      if (current === undefined || half === undefined || !isReady(memory.state)) return undefined;
      return signingWith(current.ring.signer.profile, memory, clock);
    },
    longestTtlMs: () => {
      const { current, refused } = memory.state;
      if (current === undefined) throw new TryLaterError("NoSigner", "Cannot tell how long tokens live: no ring yet");
      const keys = keysOf(current.ring).filter(({ kid }) => !refused.has(kid));
      const leewayMs = 2 * current.ring.settings.clockSkewMs;
      return Math.max(0, ...keys.map(({ profile }) => profile.maxTTLMs + leewayMs));
    },
  };
}

function signingWith(profile: Signing["profile"], memory: RingMemory, clock: Pick<Clock, "nowMs">): Signing {
  return {
    profile,
    // Of the turn that asks, as the two below
    get isFenced() {
      return isFenced(memory, clock.nowMs());
    },
    mint: (request) => memory.mintNow(request),
    // Of this turn, not of the one that asked for it: a key that was revoked meanwhile verifies nothing
    verify: (token) => memory.verifier?.verify(token, clock.nowMs(), ofAccess) ?? { ok: false, reason: "KidUnknown" },
  };
}

/** Whether the fence leaves less than a second. */
function isFenced({ state }: RingMemory, nowMs: number): boolean {
  const view = mintView(state, nowMs);
  return typeof view === "string" || Math.floor(view.fenceAtMs / 1000) <= Math.floor(nowMs / 1000);
}

/** RFC 9068 §2.1. */
const ofAccess = { type: "at+jwt" } as const;
