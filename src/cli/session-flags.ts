import type { Option } from "commander";
import { quoted } from "../errors/quote.ts";
import type { Address } from "../http/address.ts";
import { isLocal } from "../http/local-only.ts";
import { defaultSessionRules, defaultSessionTimings, type SessionsOptions } from "../sessions/sessions-options.ts";
import { durationFlag, flag, numberWithin } from "./flags.ts";
import { address } from "./listen.ts";
import { UsageError } from "./report-error.ts";

/** How a gateway serves sessions. */
export interface SessionFlags {
  readonly sessionListen?: Address;
  readonly sessionGrpcListen?: Address;
  readonly hubListen?: Address;
  readonly sessionOrigins?: readonly string[];
  readonly sessionGrace?: number;
  readonly sessionKeep?: number;
  readonly sessionHeartbeat?: number;
  readonly sessionLimit?: number;
  readonly sessionSubjectLimit?: number;
  readonly sessionQueueMessages?: number;
  readonly sessionQueueBytes?: number;
  readonly sessionTotalBytes?: number;
  readonly sessionBus?: readonly string[];
  readonly sessionBusPrefix?: string;
  readonly sessionBusCredentialsFile?: string;
  readonly sessionBusCaFile?: string;
}

/** The largest message. */
const leastBytes = 65_536;
const mostBytes = 17_179_869_184;
const units: Readonly<Record<string, number>> = { "": 1, KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** @param owner - The command */
export const sessionFlags = (owner: string): readonly Option[] => [
  ...listenFlags(owner),
  ...lifeFlags(owner),
  ...boundFlags(owner),
  ...busFlags(owner),
];

const listenFlags = (owner: string): readonly Option[] => [
  flag("--session-listen <address>", "sessions: WebSocket at /sessions, and PUT /sessions/ID with a newer token", {
    owner,
    parse: address,
    otherwise: "no sessions over WebSocket",
  }),
  flag("--session-grpc-listen <address>", "sessions: keyturn.sessions.v1 over gRPC", {
    owner,
    parse: address,
    otherwise: "no sessions over gRPC",
  }),
  flag(
    "--hub-listen <address>",
    "where the application hears of sessions and sends; unix:<path>, or a loopback address",
    {
      owner,
      parse: hubAddress,
    },
  ),
  flag("--session-origins <list>", "origins of the web pages that may open sessions, with commas between", {
    owner,
    parse: origins,
    otherwise: "no page may",
  }),
];

const lifeFlags = (owner: string): readonly Option[] => [
  flag("--session-grace <duration>", "how long a session may outlive its token; 5m at most", {
    owner,
    parse: durationWithin(0, 300_000, "0s to 5m"),
    otherwise: "25s",
  }),
  flag("--session-keep <duration>", "how long a client that is away is kept, with what waits for it", {
    owner,
    parse: durationWithin(0, 3_600_000, "0s to 1h"),
    otherwise: "1m",
  }),
  flag("--session-heartbeat <duration>", "how often a client says something; two and a half without a word end it", {
    owner,
    parse: durationWithin(1000, 300_000, "1s to 5m"),
    otherwise: "15s",
  }),
];

const boundFlags = (owner: string): readonly Option[] => [
  flag("--session-limit <number>", "clients at the same time, also those that are away", {
    owner,
    parse: numberWithin(1, 1_000_000),
    otherwise: "20000",
  }),
  flag("--session-subject-limit <number>", "the same of one subject", {
    owner,
    parse: numberWithin(1, 1_000_000),
    otherwise: "100",
  }),
  flag("--session-queue-messages <number>", "unconfirmed messages of a client, in each direction", {
    owner,
    parse: numberWithin(1, 10_000),
    otherwise: "64",
  }),
  flag("--session-queue-bytes <size>", "their bytes, in each direction", {
    owner,
    parse: bytes,
    otherwise: "1MiB",
  }),
  flag("--session-total-bytes <size>", "the same of all clients together", {
    owner,
    parse: bytes,
    otherwise: "64MiB",
  }),
];

const busFlags = (owner: string): readonly Option[] => [
  flag("--session-bus <urls>", "NATS servers that connect several replicas: nats:// or tls://, with commas between", {
    owner,
    parse: (text) => text.split(",").map((one) => one.trim()),
    otherwise: "this replica is the only one",
  }),
  flag("--session-bus-credentials-file <path>", "NATS credentials; a URL may not hold a password", { owner }),
  flag("--session-bus-ca-file <path>", "PEM certificates that the bus's is signed by", {
    owner,
    otherwise: "those of the system",
  }),
  flag("--session-bus-prefix <subject>", "what the bus's subjects begin with; the replicas' must be the same", {
    owner,
    otherwise: "keyturn.sessions",
  }),
];

/** Undefined: no sessions are served. @throws UsageError */
export function sessionsOf(flags: SessionFlags): SessionsOptions | undefined {
  const { sessionListen: listen, sessionGrpcListen: grpcListen, hubListen, sessionOrigins } = flags;
  if (listen === undefined && grpcListen === undefined) {
    mustSayNothing(flags);
    return undefined;
  }
  if (hubListen === undefined) {
    throw new UsageError("Cannot run: must have --hub-listen beside --session-listen and --session-grpc-listen");
  }
  if (sessionOrigins !== undefined && listen === undefined) {
    throw new UsageError("Cannot run: must have --session-listen beside --session-origins, which is for web pages");
  }
  const rules = rulesOf(flags);
  if (rules.queueBytes > rules.totalBytes) {
    throw new UsageError("Cannot run: --session-queue-bytes must be no more than --session-total-bytes");
  }
  return {
    ...(listen && { listen }),
    ...(grpcListen && { grpcListen }),
    hubListen,
    origins: sessionOrigins ?? [],
    rules,
    ...busOf(flags),
    timings: { ...defaultSessionTimings, heartbeatMs: flags.sessionHeartbeat ?? defaultSessionTimings.heartbeatMs },
  };
}

function busOf(flags: SessionFlags): Pick<SessionsOptions, "bus"> {
  const { sessionBus: servers, sessionBusCredentialsFile: credentialsFile, sessionBusCaFile: caFile } = flags;
  if (servers === undefined) {
    const isSaid = (credentialsFile ?? caFile ?? flags.sessionBusPrefix) !== undefined;
    if (isSaid) throw new UsageError("Cannot run: must have --session-bus beside the flags that begin with its name");
    return {};
  }
  return {
    bus: {
      servers,
      prefix: flags.sessionBusPrefix ?? "keyturn.sessions",
      ...(credentialsFile !== undefined && { credentialsFile }),
      ...(caFile !== undefined && { caFile }),
    },
  };
}

function rulesOf(flags: SessionFlags): SessionsOptions["rules"] {
  const standard = defaultSessionRules;
  return {
    graceMs: flags.sessionGrace ?? standard.graceMs,
    keepMs: flags.sessionKeep ?? standard.keepMs,
    peers: flags.sessionLimit ?? standard.peers,
    peersOfSubject: flags.sessionSubjectLimit ?? standard.peersOfSubject,
    queueMessages: flags.sessionQueueMessages ?? standard.queueMessages,
    queueBytes: flags.sessionQueueBytes ?? standard.queueBytes,
    totalBytes: flags.sessionTotalBytes ?? standard.totalBytes,
  };
}

/** Without a listener for sessions all the others are in vain. */
function mustSayNothing(flags: SessionFlags): void {
  const [name] = Object.keys(flags).filter((one) => /^(?:session[A-Z]|hubListen$)/.test(one));
  if (name === undefined) return;
  const shown = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`Cannot run: must have --session-listen or --session-grpc-listen beside --${shown}`);
}

function hubAddress(text: string, name: string): Address {
  const found = address(text, name);
  if (isLocal(found)) return found;
  throw new UsageError(
    `Cannot use ${name} ${quoted(text)}: must be a Unix socket or a loopback address: whoever reaches it is the application`,
  );
}

/** As browsers have them in `Origin` (RFC 6454 §7). */
function origins(text: string, name: string): readonly string[] {
  const all = text.split(",").map((one) => one.trim());
  const wrong = all.find((one) => one === "*" || one === "null" || URL.parse(one)?.origin !== one);
  if (wrong === undefined) return all;
  throw new UsageError(
    wrong === "*"
      ? `Cannot use ${name} "*": must name each origin: with * any page could open sessions with a token that it has found`
      : `Cannot use ${name} ${quoted(wrong)}: must look like https://app.example`,
  );
}

function durationWithin(least: number, most: number, range: string) {
  return (text: string, name: string): number => {
    const ms = durationFlag(text, name);
    if (ms >= least && ms <= most) return ms;
    throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be ${range}`);
  };
}

function bytes(text: string, name: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,12})([KMG]iB)?$/.exec(text) ?? [];
  const number = digits === "" ? NaN : Number(digits) * (units[unit] ?? NaN);
  if (number >= leastBytes && number <= mostBytes) return number;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like 1MiB, from 64KiB to 16GiB`);
}
