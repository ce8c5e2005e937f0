import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { IssuerParts, Signing, Verifying } from "./issuer-parts.ts";

/** What our own tokens are looked at with. @throws TryLaterError `NotReady` */
export function verifyingOf({ verifying }: Pick<IssuerParts, "verifying">): Verifying {
  const now = verifying();
  if (now === undefined) throw new TryLaterError("NotReady", "Cannot verify: no ring yet");
  return now;
}

/** The signing key at work. @throws TryLaterError `NoSigner` */
export function signingOf({ signing }: Pick<IssuerParts, "signing">): Signing {
  const now = signing();
  if (now === undefined) throw new TryLaterError("NoSigner", "Cannot sign: no key of the ring may sign now");
  return now;
}

/**
 * The signing key, which may sign now: before anything is written. Right after a rotation it waits a moment.
 *
 * @throws TryLaterError `NoSigner`, `MintFenced`
 */
export async function freshSigningOf(parts: Pick<IssuerParts, "signing" | "confirmed">): Promise<Signing> {
  if (signingOf(parts).isFenced) await parts.confirmed();
  const now = signingOf(parts);
  if (now.isFenced) throw new TryLaterError("MintFenced", "Cannot sign: no fresh word that the signer still signs");
  return now;
}
