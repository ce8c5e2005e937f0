import { createHash } from "node:crypto";
import type { IdentitySpec, NotifySpec, SinkSpec, SourceSpec, TokenRequestSpec } from "../agent-spec.ts";

/** Two that are the same, in whatever order their members are. */
export const isSameSpec = (one: IdentitySpec, other: IdentitySpec): boolean => textOf(one) === textOf(other);

function textOf({ name, source, request, keep, sinks, notify }: IdentitySpec): string {
  return JSON.stringify({
    name,
    source: sourceMembers(source),
    request: requestMembers(request),
    keep,
    sinks: sinks.map(sinkMembers),
    ...(notify && { notify: notifyMembers(notify) }),
  });
}

/**
 * What a pair is for: whom the issuer takes the identity for, and what is asked for. A pair of another purpose is not to be used. A hash, so that it
 * is short.
 */
export function purposeOf({ source, request }: Pick<IdentitySpec, "source" | "request">): string {
  const who = { ...sourceMembers(source), caFile: undefined, secretFile: undefined };
  const document = JSON.stringify([who, requestMembers(request)]);
  return createHash("sha256").update(document).digest("base64url");
}

function sourceMembers(source: SourceSpec): object {
  const { kind } = source;
  if (kind === "mintSocket") return { kind, path: source.path, subject: source.subject };
  const { url, caFile } = source.issuer;
  const issuer = { kind, url: url.href, caFile };
  return kind === "clientSecret"
    ? { ...issuer, clientId: source.clientId, secretFile: source.secretFile }
    : { ...issuer, path: source.path };
}

const requestMembers = ({ audiences, scopes, accessTtlMs, refreshTtlMs }: TokenRequestSpec): object => ({
  ...{ audiences, scopes, accessTtlMs, refreshTtlMs },
});

const sinkMembers = (sink: SinkSpec): object => ({
  ...{ kind: sink.kind, path: sink.path, mode: sink.mode, group: sink.group },
  ...(sink.kind === "file" && { format: sink.format }),
});

const notifyMembers = (notify: NotifySpec): object =>
  notify.kind === "signal"
    ? { kind: notify.kind, signal: notify.signal, pidFile: notify.pidFile }
    : { kind: notify.kind, command: notify.command };
