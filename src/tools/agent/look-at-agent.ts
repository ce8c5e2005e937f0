import type { IdentityDocument } from "../../agent/api/identity-document.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
import { type Io, line } from "../text/screen.ts";
import { clockTimeAndDistance } from "../text/words.ts";
import { agentIdentityText, agentTable } from "./agent-status-text.ts";

interface Written {
  /** Text for people when absent. */
  readonly output?: DocumentFormat;
}

/** Shows how every identity of an agent is doing. */
export function showIdentities(identities: readonly IdentityDocument[], { output }: Written, io: Io): ExitCode {
  if (output) io.out.write(documentText({ items: identities }, output));
  else if (identities.length === 0) line(io.err, "No identity");
  else for (const text of agentTable(identities, viewOf(io))) line(io.out, text);
  return exitCodes.done;
}

/** Shows how one is doing. */
export function showIdentity(identity: IdentityDocument, { output }: Written, io: Io): ExitCode {
  if (output) io.out.write(documentText(identity, output));
  else for (const text of agentIdentityText(identity, viewOf(io))) line(io.out, text);
  return exitCodes.done;
}

/** Says that it has a new token, and until when. */
export function sayRenewed(identity: IdentityDocument, { output }: Written, io: Io): ExitCode {
  if (output) return showIdentity(identity, { output }, io);
  const { expiresAt } = identity.token ?? {};
  const until = expiresAt === undefined ? "without an end" : clockTimeAndDistance(Date.parse(expiresAt), viewOf(io));
  line(io.out, `renewed   ${identity.name}   valid until ${until}`);
  return exitCodes.done;
}

const viewOf = (io: Io) => ({ look: io.out, nowMs: io.nowMs(), timeZone: io.timeZone });
