import { TryLaterError } from "../errors/keyturn-error.ts";
import type { RingMemory } from "../holder/ring-memory.ts";
import type { HolderState } from "../holder/state.ts";
import { isReady, mintView } from "../holder/state-view.ts";
import type { Key } from "../ring/key.ts";
import { keysOf } from "../ring/ring.ts";
import type { Clock } from "../time/clock.ts";
import type { IssuerParts, Signing, Verifying } from "./tokens/issuer-parts.ts";

/**
 * What an issuer uses of a ring in memory: always as it is at the call. Without a ring nobody knows how long a revocation must be
 * kept: `longestTtlMs` throws TryLaterError `NotReady`.
 */
export function signingOn(
  memory: RingMemory,
  clock: Pick<Clock, "nowMs">,
): Pick<IssuerParts, "verifying" | "signing" | "confirmed" | "longestTtlMs"> {
  return {
    verifying: () => verifyingWith(memory, clock),
    signing: () => {
      const { current, half } = memory.state;
      if (current === undefined || half === undefined || !isReady(memory.state)) return undefined;
      return signingWith(current.ring.signer.profile, memory, clock);
    },
    confirmed: () => memory.confirmed(),
    longestTtlMs: () => {
      const { current } = memory.state;
      if (current === undefined) throw new TryLaterError("NotReady", "Cannot tell how long tokens live: no ring yet");
      const leewayMs = 2 * current.ring.settings.clockSkewMs;
      return Math.max(0, ...acceptedKeys(memory.state).map(({ profile }) => profile.maxTTLMs + leewayMs));
    },
  };
}

/** Those that verify: the signer first. */
const acceptedKeys = ({ current, refused }: HolderState): readonly Key[] =>
  current === undefined ? [] : keysOf(current.ring).filter(({ kid }) => !refused.has(kid));

function verifyingWith(memory: RingMemory, clock: Pick<Clock, "nowMs">): Verifying | undefined {
  const { current } = memory.state;
  if (current === undefined || !isReady(memory.state)) return undefined;
  const { issuer } = current.ring.signer.profile;
  const profiles = acceptedKeys(memory.state).map(({ profile }) => profile);
  const others = profiles.map((profile) => profile.issuer);
  return {
    issuers: [issuer, ...others.filter((one) => one !== issuer)],
    algorithms: [...new Set(profiles.map(({ algorithm }) => algorithm))],
    // Of this turn, not of the one that asked for it: a key that was revoked meanwhile verifies nothing
    verify: (token, atMs = clock.nowMs()) =>
      memory.verifier?.verify(token, atMs, ofAccess) ?? { ok: false, reason: "KidUnknown" },
  };
}

function signingWith(profile: Signing["profile"], memory: RingMemory, clock: Pick<Clock, "nowMs">): Signing {
  return {
    profile,
    // Of the turn that asks, as minting is
    get isFenced() {
      return isFenced(memory, clock.nowMs());
    },
    mint: (request) => memory.mintNow(request),
  };
}

/** Whether the fence leaves less than a second. */
function isFenced({ state }: RingMemory, nowMs: number): boolean {
  const view = mintView(state, nowMs);
  return typeof view === "string" || Math.floor(view.fenceAtMs / 1000) <= Math.floor(nowMs / 1000);
}

/** RFC 9068 §2.1. */
const ofAccess = { type: "at+jwt" } as const;
