import type { Option } from "commander";
import { ownAddressFlaw } from "../http/remote-address.ts";
import type { RevocationPlan } from "../revocations/revocation-follower.ts";
import type { SourceCredentials } from "../revocations/revocation-source.ts";
import { durationFlag, flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";

/** Where a gateway hears of revoked tokens. */
export interface RevocationFlags {
  readonly revocations?: URL;
  readonly revocationsTokenFile?: string;
  readonly revocationsClient?: string;
  readonly revocationsSecretFile?: string;
  readonly revocationsCaFile?: string;
  readonly revocationsMaxAge?: number;
}

/** @param owner - The command */
export const revocationFlags = (owner: string): readonly Option[] => [
  flag("--revocations <url>", "an issuer's /v1/revocations: tokens that are revoked there are refused here", {
    owner,
    parse: sourceUrl,
    otherwise: "keys alone are revoked",
  }),
  flag("--revocations-token-file <file>", "a token that the issuer trusts, such as a projected ServiceAccount token", {
    owner,
  }),
  flag("--revocations-client <id>", "or a client of the issuer", { owner }),
  flag("--revocations-secret-file <file>", "with the file of its secret", { owner }),
  flag("--revocations-ca-file <file>", "PEM: who signed the issuer's certificate", {
    owner,
    otherwise: "whom Node.js trusts",
  }),
  flag(
    "--revocations-max-age <duration>",
    "refuse all tokens when the issuer was heard last so long ago; 30s or more",
    {
      owner,
      parse: maxAge,
      otherwise: "go on with what is known",
    },
  ),
];

/** Undefined: revocations are not heard of. @throws UsageError */
export function revocationsOf(flags: RevocationFlags): RevocationPlan | undefined {
  const { revocations: url, revocationsCaFile: caFile, revocationsMaxAge: maxAgeMs } = flags;
  const credentials = credentialsOf(flags);
  if (url === undefined) {
    if (credentials === undefined && caFile === undefined && maxAgeMs === undefined) return undefined;
    throw new UsageError("Cannot run: must have --revocations beside the flags that begin with its name");
  }
  if (credentials === undefined) {
    throw new UsageError(
      "Cannot run: --revocations must have --revocations-token-file, or --revocations-client and --revocations-secret-file",
    );
  }
  return { url, credentials, ...(caFile !== undefined && { caFile }), ...(maxAgeMs !== undefined && { maxAgeMs }) };
}

function credentialsOf(flags: RevocationFlags): SourceCredentials | undefined {
  const { revocationsTokenFile: tokenFile, revocationsClient: id, revocationsSecretFile: secretFile } = flags;
  if (tokenFile !== undefined && id === undefined && secretFile === undefined) return { kind: "token", tokenFile };
  if (tokenFile === undefined && id !== undefined && secretFile !== undefined)
    return { kind: "client", id, secretFile };
  if (tokenFile === undefined && id === undefined && secretFile === undefined) return undefined;
  throw new UsageError(
    "Cannot run: must have either --revocations-token-file, or --revocations-client and --revocations-secret-file",
  );
}

/** Never quoted: a URL may hold a password. */
function sourceUrl(text: string, name: string): URL {
  const url = URL.parse(text);
  const flaw = url === null ? "must be a URL" : ownAddressFlaw(url);
  if (url !== null && flaw === undefined) return url;
  throw new UsageError(`Cannot use ${name}: ${flaw ?? "must be a URL"}`);
}

/** An issuer says something every ten seconds. */
const shortestMaxAgeMs = 30_000;

function maxAge(text: string, name: string): number {
  const ms = durationFlag(text, name);
  if (ms >= shortestMaxAgeMs) return ms;
  throw new UsageError(`Cannot use ${name} "${text}": must be 30s or more`);
}
