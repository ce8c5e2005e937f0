import type { OwnedHeader } from "../gateway/faces/owned-headers.ts";
import type { GatewayOptions } from "../gateway/options.ts";
import type { Address } from "../http/address.ts";
import { mediaType } from "../jwt/header.ts";
import { quoted } from "../errors/quote.ts";
import { durationFlag, flag, numberWithin } from "./flags.ts";
import { address, tcpAddress } from "./listen.ts";
import type { LogFlags } from "./log-flags.ts";
import { type RevocationFlags, revocationFlags, revocationsOf } from "./revocation-flags.ts";
import { UsageError } from "./report-error.ts";
import { type SessionFlags, sessionFlags, sessionsOf } from "./session-flags.ts";
import type { SignaturesFlag } from "./signatures-flag.ts";
import type { Cli } from "./surroundings.ts";

/** The faces are those of `keyturn gateway`, also where `keyturn standalone` shows them. */
const owner = "gateway";

/** What a gateway shows, wherever its ring comes from. */
export interface FaceFlags extends LogFlags, RevocationFlags, SessionFlags, SignaturesFlag {
  readonly listen?: Address;
  readonly grpcListen?: Address;
  readonly adminListen?: Address;
  readonly mintListen?: Address;
  readonly claimHeaders?: readonly OwnedHeader[];
  readonly requireClaims?: readonly string[];
  readonly requireScopes?: readonly string[];
  readonly allowTypes?: readonly string[];
  readonly requireType?: string;
  readonly cacheEntries?: number;
  readonly jwksUri?: string;
  readonly drainTimeout?: number;
  readonly logMinted?: boolean;
}

/** Their flags. */
export const faceFlags = () => [
  flag("--listen <address>", "forward-auth, JWKS, discovery", { owner, parse: address, otherwise: ":8080" }),
  flag("--grpc-listen <address>", "Envoy's ext_authz over gRPC, and grpc.health.v1", {
    owner,
    parse: address,
    otherwise: "no gRPC",
  }),
  flag("--admin-listen <address>", "health and metrics", { owner, parse: address, otherwise: ":9090" }),
  flag("--mint-listen <address>", "POST /token; unix:<path>, or a loopback address", {
    owner,
    parse: address,
    otherwise: "nothing is minted",
  }),
  flag("--claim-headers <list>", "claim=Header, with commas between: what upstreams are told", {
    owner,
    parse: claimHeaders,
    otherwise: "sub=X-Auth-Subject",
  }),
  flag("--require-claims <list>", "claims that every token must have", { owner, parse: names }),
  flag("--require-scopes <list>", "scopes that every token must have, else 403", { owner, parse: names }),
  flag("--allow-types <list>", "what typ may be, where a token has one", {
    owner,
    parse: typeList,
    otherwise: "JWT,at+jwt",
  }),
  flag("--require-type <type>", "the one typ that is accepted, and must be there", { owner, parse: mediaType }),
  ...revocationFlags(owner),
  ...sessionFlags(owner),
  flag("--cache-entries <number>", "how many tokens in use each key remembers as verified; 0: none", {
    owner,
    parse: numberWithin(0, 1_000_000),
    otherwise: "20000",
  }),
  flag("--jwks-uri <url>", "jwks_uri of the discovery document", {
    owner,
    otherwise: "<issuer>/.well-known/jwks.json",
  }),
  flag("--drain-timeout <duration>", "how long requests may take after SIGTERM", {
    owner,
    parse: durationFlag,
    otherwise: "20s",
  }),
  flag("--log-minted", "log each token that is minted: its sub, jti, kid and exp", { owner }),
];

/** Runs a gateway with these faces until the signal. */
export async function runFaces(
  cli: Cli,
  flags: FaceFlags,
  { revoked, ...given }: Pick<GatewayOptions, "sources" | "revoked" | "signal" | "remarks">,
): Promise<void> {
  const [{ runGateway }, { defaultOwnedHeaders }, { systemClock }, { newLog }, { signaturesHere }] = await Promise.all([
    import("../gateway/run-gateway.ts"),
    import("../gateway/faces/owned-headers.ts"),
    import("../time/clock.ts"),
    import("./process-log.ts"),
    import("./native-library.ts"),
  ]);
  const { io } = cli;
  const log = await newLog(flags, { colour: io.err.colour, live: cli.logIsLive });
  const revocations = revocationsOf(flags);
  const sessions = sessionsOf(flags);
  const { grpcListen, mintListen, jwksUri, requireClaims, requireScopes, allowTypes, requireType } = flags;
  await runGateway({
    ...given,
    listen: flags.listen ?? { kind: "tcp", port: 8080 },
    adminListen: tcpAddress(flags.adminListen ?? { kind: "tcp", port: 9090 }, "--admin-listen"),
    ...(grpcListen && { grpcListen }),
    ...(mintListen && { mintListen }),
    required: {
      ...(requireClaims && { claims: requireClaims }),
      ...(requireScopes && { scopes: requireScopes }),
      ...(allowTypes && { types: allowTypes }),
      ...(requireType !== undefined && { type: requireType }),
    },
    owned: flags.claimHeaders ?? defaultOwnedHeaders,
    ...(jwksUri !== undefined && { jwksUri }),
    ...(revocations ? { revocations } : revoked && { revoked }),
    ...(sessions && { sessions }),
    cacheEntries: flags.cacheEntries ?? 20_000,
    drainMs: flags.drainTimeout ?? 20_000,
    tellsRefusals: flags.logLevel === "debug",
    tellsMinted: flags.logMinted === true,
    clock: systemClock,
    chance: Math.random,
    newId: () => io.randomId(),
    signatures: signaturesHere(flags.signatures),
    onListening: ({ admin }) => log.info({ port: admin }, "listens for probes and scrapes"),
    log,
  });
}

const names = (text: string): readonly string[] =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

const typeList = (text: string): readonly string[] => names(text).map(mediaType);

function claimHeaders(text: string, name: string): readonly OwnedHeader[] {
  return names(text).map((one) => {
    const [, claim, header] = /^(.+)=([^=]+)$/.exec(one) ?? [];
    if (claim !== undefined && header !== undefined) return { claim, header };
    throw new UsageError(`Cannot use ${name} ${quoted(one)}: must look like sub=X-Auth-Subject`);
  });
}
