import { formatDuration } from "../../parse/duration.ts";
import type { IdentitySpec, SinkSpec, SourceSpec, TokenRequestSpec } from "../agent-spec.ts";

/** An identity as `parseRegistered` reads it, for the disk. What it does not read, issuer and notify, is not there. */
export const writtenRegistered = ({ source, request, keep, sinks }: IdentitySpec): object => ({
  source: writtenSource(source),
  request: writtenRequest(request),
  keep: keep === "always" ? "Always" : "OnUse",
  sinks: sinks.map(writtenSink),
});

function writtenSource(source: SourceSpec): object {
  switch (source.kind) {
    case "clientSecret":
      return { clientSecret: { clientID: source.clientId, secretFile: source.secretFile } };
    case "mintSocket":
      return { mintSocket: { path: source.path, subject: source.subject } };
    case "tokenFile":
    case "refreshTokenFile":
      return { [source.kind]: source.path };
    default:
      return source satisfies never;
  }
}

const writtenRequest = ({ audiences, scopes, accessTtlMs, refreshTtlMs }: TokenRequestSpec): object => ({
  ...{ audiences, scopes },
  ...(accessTtlMs !== undefined && { accessTTL: formatDuration(accessTtlMs) }),
  ...(refreshTtlMs !== undefined && { refreshTTL: formatDuration(refreshTtlMs) }),
});

function writtenSink(sink: SinkSpec): object {
  const { path, mode, group } = sink;
  const access = { path, mode: mode.toString(8).padStart(4, "0"), ...(group !== undefined && { group }) };
  if (sink.kind === "directory") return { directory: access };
  const names = { token: "Token", json: "JSON", header: "Header" } as const;
  return { file: { ...access, format: names[sink.format] } };
}
