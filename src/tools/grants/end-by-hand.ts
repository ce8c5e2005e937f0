import { durations } from "../../ring/resource/limits.ts";
import { tokensEndOf } from "../../issuer/store/end-grants.ts";
import { sidOf } from "../../issuer/store/grant-row.ts";
import type { EndedGrant, GrantSelector, GrantStore } from "../../issuer/store/grant-store.ts";
import { endTime } from "../../issuer/tokens/end-time.ts";
import { formatInstant } from "../../parse/instant.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { note } from "../first-look.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
import { type Io, line } from "../text/screen.ts";
import { clockTimeAndDistance } from "../text/words.ts";
import { visible, grantViewOf } from "./grant-text.ts";
import { foundGrant } from "./look-at-grants.ts";

/** What is to end: grants, or one access token by its `jti`, which names its grant. */
export type EndByHand = GrantSelector | { readonly kind: "token"; readonly jti: string; readonly grantId: Uint8Array };

/** Nobody asks the ring here: as long as any access token may live. A grant is told for no longer than its own live. */
const longestTtlMs = (): number => durations.maxTTL.mostMs + 2 * durations.clockSkew.mostMs;

/** Ends it, tells every issuer and gateway so, and says what has ended. What had ended before is left as it is. */
export async function grantsRevoke(
  store: GrantStore,
  { what, output }: { readonly what: EndByHand; readonly output?: DocumentFormat },
  io: Io,
): Promise<ExitCode> {
  const at = endTime({ longestTtlMs }, io.nowMs());
  if (what.kind === "token") {
    const { terms } = await foundGrant(store, what.grantId);
    await store.revokeToken(what.jti, { nowMs: at.nowMs, endsAtMs: tokensEndOf(at, terms.accessTtlMs) });
    if (output) io.out.write(documentText({ ended: [], token: what.jti }, output));
    else line(io.out, `The access token ${what.jti} is revoked; its grant goes on`);
    return exitCodes.done;
  }
  const before = what.kind === "grant" ? await foundGrant(store, what.id) : undefined;
  const ended = await store.revoke(what, at);
  if (output) io.out.write(documentText({ ended: ended.map(endedDocument), time: formatInstant(at.nowMs) }, output));
  else sayEnded(ended, io);
  const { revoked } = before?.grant ?? {};
  if (ended.length === 0 && revoked) note(io, `it had ended ${clockTimeAndDistance(revoked.atMs, grantViewOf(io))}`);
  if (what.kind === "subject") note(io, "every access token that the subject has had by now is refused, too");
  return exitCodes.done;
}

const endedDocument = ({ id, subject, clientId }: EndedGrant): object => ({ id: sidOf(id), subject, clientId });

function sayEnded(ended: readonly EndedGrant[], io: Io): void {
  if (ended.length === 0) {
    line(io.out, "Nothing was left to end");
    return;
  }
  // No table: there may be very many
  for (const { id, subject, clientId } of ended) {
    line(io.out, `ended   ${sidOf(id)}   ${visible(subject)}   ${visible(clientId)}`);
  }
}
