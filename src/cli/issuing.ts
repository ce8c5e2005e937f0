import { isIP } from "node:net";
import type { Command, Option } from "commander";
import type { IssuerOptions } from "../issuer/issuer-options.ts";
import { quoted } from "../errors/quote.ts";
import { durationFlag, flag } from "./flags.ts";
import type { LogFlags } from "./log-flags.ts";
import { UsageError } from "./report-error.ts";
import type { SignaturesFlag } from "./signatures-flag.ts";
import { type StoreFlags, storeFlags, storeLocation } from "./store-flag.ts";
import type { Cli } from "./surroundings.ts";

/** The settings of an issuer are those of `keyturn issuer`, also where `keyturn standalone` runs one. */
const owner = "issuer";

/** What an issuer is told, wherever its ring comes from. */
export interface IssuingFlags extends StoreFlags, LogFlags, SignaturesFlag {
  readonly trustedProxies?: readonly string[];
  readonly requestRate?: number;
  readonly drainTimeout?: number;
}

/** @param store - Which is in force without a flag, for people */
export const issuingFlags = (store?: string): readonly Option[] => [
  ...storeFlags(store),
  flag("--trusted-proxies <list>", "addresses and networks whose X-Forwarded-For is believed, with commas between", {
    owner,
    parse: proxies,
    otherwise: "nobody's",
  }),
  flag(
    "--request-rate <number>",
    "requests a second of one address, a tenth of it with bad credentials; more are told to come again",
    {
      owner,
      parse: rate,
      otherwise: "100",
    },
  ),
];

export const drainFlag = (): Option =>
  flag("--drain-timeout <duration>", "how long requests may take after SIGTERM", {
    owner,
    parse: durationFlag,
    otherwise: "20s",
  });

type IssuerHere = Pick<
  IssuerOptions,
  | "sources"
  | "config"
  | "revoked"
  | "listen"
  | "certificate"
  | "adminListen"
  | "signal"
  | "remarks"
  | "rereadOn"
  | "userAgent"
>;

/** Runs an issuer until the signal. @throws UsageError */
export async function runIssuing(
  cli: Cli,
  { flags, command }: { readonly flags: IssuingFlags; readonly command: Command },
  { defaultStore, ...own }: IssuerHere & { readonly defaultStore?: string },
): Promise<void> {
  const store = (await storeLocation(flags, { cli, command })) ?? defaultStore;
  if (store === undefined) throw new UsageError("Cannot run: must have --store or --store-file");
  const [{ runIssuer }, { inClusterEndpoint }, { systemClock }, { newLog }, { signaturesHere }] = await Promise.all([
    import("../issuer/run-issuer.ts"),
    import("../kube/in-cluster.ts"),
    import("../time/clock.ts"),
    import("./process-log.ts"),
    import("./native-library.ts"),
  ]);
  const { io, env } = cli;
  const { trustedProxies, requestRate } = flags;
  const log = await newLog(flags, { colour: io.err.colour, live: cli.logIsLive });
  const isInCluster = env["KUBERNETES_SERVICE_HOST"] !== undefined;
  await runIssuer({
    ...own,
    store,
    ...(trustedProxies && { trustedProxies }),
    ...(requestRate !== undefined && { mostASecond: requestRate }),
    ...(isInCluster && {
      apiServer: inClusterEndpoint({ env, readFile: (path) => cli.readFile(path), clock: systemClock }),
    }),
    signatures: signaturesHere(flags.signatures),
    drainMs: flags.drainTimeout ?? 20_000,
    version: cli.version,
    clock: systemClock,
    chance: Math.random,
    newId: () => io.randomId(),
    onListening: ({ admin }) => {
      if (admin !== undefined) log.info({ port: admin }, "listens for probes and scrapes");
    },
    log,
  });
}

function proxies(text: string, name: string): readonly string[] {
  const all = text.split(",").map((one) => one.trim());
  const wrong = all.find((one) => !isNetwork(one));
  if (wrong === undefined) return all;
  throw new UsageError(
    `Cannot use ${name} ${quoted(wrong)}: must be an address, or a network such as 10.0.0.0/8, of IPv4 or IPv6`,
  );
}

function isNetwork(text: string): boolean {
  const [, address = "", bits = "1"] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return Number(bits) >= 1 && Number(bits) <= most;
}

function rate(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a whole number above 0`);
}
