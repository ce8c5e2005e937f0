import type { IncomingMessage } from "node:http";
import { namesThisMachine } from "../../http/local-only.ts";
import type { Problem } from "../../http/problem.ts";

export interface GuardedBy {
  /** False for a Unix socket: no browser gets there, and no name leads there. */
  readonly isTcp: boolean;
  /** Of the upstream, as `Host` has it: a name that was pointed at this machine on purpose. */
  readonly upstreamHost: string;
  readonly authorization: "refuse" | "replace";
}

/** Why a request is not passed on with somebody's token; undefined where it is. */
export function guarded(request: IncomingMessage, by: GuardedBy): Problem | undefined {
  const { headers, url = "" } = request;
  if (by.isTcp && !isKnownHost(hostsOf(request), by.upstreamHost)) return problems.hostUnknown;
  if (isCrossSite(request)) return problems.crossSite;
  if (!url.startsWith("/")) return problems.targetUnusable;
  if (headers["transfer-encoding"] !== undefined && headers["transfer-encoding"].toLowerCase() !== "chunked")
    return problems.codingUnknown;
  if (by.authorization === "refuse" && headers.authorization !== undefined) return problems.authorizationPresent;
  return undefined;
}

/** As they came: Node.js keeps the first alone. */
function hostsOf({ rawHeaders }: IncomingMessage): readonly string[] {
  const hosts: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts.push(rawHeaders[index + 1] ?? "");
  }
  return hosts;
}

/** A page whose own name was made to lead here (DNS rebinding) says that name. */
function isKnownHost(hosts: readonly string[], upstreamHost: string): boolean {
  const [host] = hosts;
  return hosts.length === 1 && (namesThisMachine(host) || host === upstreamHost);
}

/** Sent by a browser for a page of somewhere else: with the token of whoever runs the agent it must do nothing. */
function isCrossSite({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  // A page can't write it, and it says more than Origin, which a development server before us passes on
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  return headers.origin !== undefined && headers.origin !== `http://${headers.host ?? ""}`;
}

const problems = {
  hostUnknown: {
    status: 421,
    code: "HostUnknown",
    title: "The request's Host must be this machine: localhost, 127.0.0.1 or the upstream's own name",
  },
  crossSite: { status: 403, code: "CrossSite", title: "A page of another origin must not use the token of an agent" },
  targetUnusable: {
    status: 400,
    code: "TargetUnusable",
    title: "The request's target must be a path: this proxy leads to one upstream, and is none for HTTP_PROXY",
  },
  codingUnknown: { status: 501, code: "CodingUnknown", title: "The only transfer coding that is passed on is chunked" },
  authorizationPresent: {
    status: 400,
    code: "AuthorizationPresent",
    title: "The request must have no Authorization: the agent adds its own, and would act for somebody else",
  },
} as const satisfies Readonly<Record<string, Problem>>;
