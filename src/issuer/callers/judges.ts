import { createLocalJWKSet } from "jose";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Endpoint } from "../../kube/endpoint.ts";
import { Transport } from "../../kube/transport.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { Trust } from "../config/token-issuer.ts";
import { SourceError } from "./fetch-document.ts";
import type { Judge } from "./foreign-tokens.ts";
import { loadKeys, type RemoteSource, usable } from "./key-source.ts";
import { RemoteKeys } from "./remote-keys.ts";
import type { SmallFiles } from "../../files/small-files.ts";
import { endpointOf, TokenReviews } from "./token-review.ts";

export interface JudgePorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly files: SmallFiles;
  /** As pods see it; absent outside of a cluster. */
  readonly apiServer?: Endpoint;
  /** `keyturn/0.1.0`, for API servers. */
  readonly userAgent: string;
}

/** What judges the tokens of an issuer, with what goes on in the background for that. */
export interface OpenJudge {
  readonly judge: Judge;
  close(): void;
}

/** One source's answer may take that long, in milliseconds. */
const timeoutMs = 5000;

/** Equal when and only when two trusts can share a judge, with the keys that it has loaded. */
export const judgeKeyOf = ({ name, issuer, keys, caFile, bearerTokenFile, audiences }: Trust): string =>
  JSON.stringify([name, issuer, keys, caFile, bearerTokenFile, keys.kind === "tokenReview" && audiences]);

/** Starts to load keys, where there are any to load. */
export function openJudge(trust: Trust, around: JudgePorts): OpenJudge {
  const { keys } = trust;
  switch (keys.kind) {
    case "jwks":
      return { judge: { kind: "keys", keyFor: createLocalJWKSet(usable(keys.jwks)) }, close: () => undefined };
    case "tokenReview":
      return openReviews(trust, keys.server, around);
    case "discovery":
    case "jwksURL":
      return openRemote(trust, keys, around);
    default:
      return keys satisfies never;
  }
}

function openRemote(trust: Trust, source: RemoteSource, { clock, files, log }: JudgePorts): OpenJudge {
  const { name } = trust;
  const remote = new RemoteKeys({
    clock,
    load: (signal) => loadKeys(trust, source, { files, reach: { clock, signal, timeoutMs } }),
    tell: (problem) =>
      problem === undefined
        ? log.info({ trust: name }, "Loaded the keys of a trusted issuer again")
        : log.warn({ trust: name }, `Cannot load the keys of a trusted issuer: ${problemOf(problem)}`),
  });
  remote.start();
  return { judge: { kind: "keys", keyFor: remote.keyFor }, close: () => remote.close() };
}

/** Ours alone: others may quote what was read. */
const problemOf = (problem: unknown): string =>
  problem instanceof SourceError || problem instanceof ChangeNeededError ? problem.message : "it can't be understood";

function openReviews(trust: Trust, server: URL | undefined, around: JudgePorts): OpenJudge {
  const { clock, chance, userAgent, apiServer, log } = around;
  const endpoint = server === undefined ? apiServer : endpointOf(trust, server, around);
  if (endpoint === undefined) {
    throw new ChangeNeededError(
      "NotInCluster",
      `Cannot review tokens of "${trust.name}": must have tokenReview.server outside of a cluster`,
    );
  }
  const transport = new Transport({ endpoint, clock, chance, userAgent });
  const tell = (code: string): void =>
    log.warn({ trust: trust.name, code }, "Cannot review a token: the API server could not be asked");
  const reviews = new TokenReviews({ transport, audiences: trust.audiences, tell });
  return { judge: { kind: "review", reviews }, close: () => transport.close() };
}
