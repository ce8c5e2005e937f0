import { createHash } from "node:crypto";
import { constants } from "node:os";
import type { Cursor, ObjectCursor } from "../../parse/cursor.ts";
import { text } from "../../parse/forms.ts";
import { parseJson } from "../../parse/document.ts";
import type { IdentitySpec, NotifySpec, SinkSpec, SourceSpec, TokenEndpoint, TokenRequestSpec } from "../agent-spec.ts";

/** What an identity may be called. */
export const identityName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const nameForm = text({ most: 63, form: identityName, must: "must be the name of an identity" });
const version = 1;
const longest = 4096;
const mostItems = 100;

/** The text of what an identity is to be. Of two that are the same it is the same: whatever order their members are in. */
export function encodeSpec({ name, source, request, keep, sinks, notify }: IdentitySpec): string {
  const document = {
    ...{ version, name },
    source: sourceDocument(source),
    request: requestDocument(request),
    keep,
    sinks: sinks.map(sinkDocument),
    ...(notify && { notify: notifyDocument(notify) }),
  };
  return `${JSON.stringify(document)}\n`;
}

/**
 * What a pair is for: whom the issuer takes the identity for, and what is asked for. A pair of another purpose is not to be used. A hash, so that it
 * is short.
 */
export function purposeOf({ source, request }: Pick<IdentitySpec, "source" | "request">): string {
  const who = { ...sourceDocument(source), caFile: undefined, secretFile: undefined };
  const document = JSON.stringify([who, requestDocument(request)]);
  return createHash("sha256").update(document).digest("base64url");
}

function sourceDocument(source: SourceSpec): object {
  const { kind } = source;
  if (kind === "mintSocket") return { kind, path: source.path, subject: source.subject };
  const { url, caFile } = source.issuer;
  const issuer = { kind, url: url.href, caFile };
  return kind === "clientSecret"
    ? { ...issuer, clientId: source.clientId, secretFile: source.secretFile }
    : { ...issuer, path: source.path };
}

const requestDocument = ({ audiences, scopes, accessTtlMs, refreshTtlMs }: TokenRequestSpec): object => ({
  ...{ audiences, scopes, accessTtlMs, refreshTtlMs },
});

const sinkDocument = (sink: SinkSpec): object => ({
  ...{ kind: sink.kind, path: sink.path, mode: sink.mode, group: sink.group },
  ...(sink.kind === "file" && { format: sink.format }),
});

const notifyDocument = (notify: NotifySpec): object =>
  notify.kind === "signal"
    ? { kind: notify.kind, signal: notify.signal, pidFile: notify.pidFile }
    : { kind: notify.kind, command: notify.command };

/**
 * The spec of a text that {@link encodeSpec} wrote.
 *
 * @throws ChangeNeededError `StateUnreadable`: torn, of a newer program, or of somebody else
 */
export function decodeSpec(text: string, path: string): IdentitySpec {
  const subject = { code: "StateUnreadable", action: `Cannot read the identity in ${JSON.stringify(path)}` };
  const fields = parseJson(text, { subject, publicOnly: false }).fields();
  const written = fields.at("version");
  if (written.wholeNumber(1) !== version) throw written.error(`must be ${version}: a newer program wrote it`);
  fields.only(["version", "name", "source", "request", "keep", "sinks", "notify"]);
  const notify = fields.maybe("notify");
  return {
    name: fields.at("name").as(nameForm),
    source: sourceAt(fields.at("source").fields()),
    request: requestAt(fields.at("request").fields()),
    keep: fields.at("keep").oneOf(["always", "onUse"]),
    sinks: fields
      .at("sinks")
      .list(mostItems)
      .map((sink) => sinkAt(sink.fields())),
    ...(notify && { notify: notifyAt(notify.fields()) }),
  };
}

function sourceAt(fields: ObjectCursor): SourceSpec {
  const kind = fields.at("kind").oneOf(["tokenFile", "clientSecret", "refreshTokenFile", "mintSocket"]);
  const textAt = (name: string): string => fields.at(name).text(longest);
  if (kind === "mintSocket") return { kind, path: textAt("path"), subject: textAt("subject") };
  const issuer = endpointAt(fields);
  return kind === "clientSecret"
    ? { kind, issuer, clientId: textAt("clientId"), secretFile: textAt("secretFile") }
    : { kind, issuer, path: textAt("path") };
}

function endpointAt(fields: ObjectCursor): TokenEndpoint {
  const at = fields.at("url");
  const url = URL.parse(at.text(longest));
  if (url === null) throw at.error("must be a URL");
  const caFile = fields.maybe("caFile")?.text(longest);
  return { url, ...(caFile !== undefined && { caFile }) };
}

function requestAt(fields: ObjectCursor): TokenRequestSpec {
  const words = (name: string): readonly string[] =>
    fields
      .at(name)
      .list(mostItems)
      .map((item) => item.text(longest));
  const accessTtlMs = fields.maybe("accessTtlMs")?.wholeNumber(0);
  const refreshTtlMs = fields.maybe("refreshTtlMs")?.wholeNumber(0);
  return {
    audiences: words("audiences"),
    scopes: words("scopes"),
    ...(accessTtlMs !== undefined && { accessTtlMs }),
    ...(refreshTtlMs !== undefined && { refreshTtlMs }),
  };
}

function sinkAt(fields: ObjectCursor): SinkSpec {
  const kind = fields.at("kind").oneOf(["file", "directory"]);
  const group = fields.maybe("group")?.text(longest);
  const path = fields.at("path").text(longest);
  const access = { mode: fields.at("mode").wholeNumber(0, 0o7777), ...(group !== undefined && { group }) };
  if (kind === "directory") return { kind, path, ...access };
  return { kind, path, format: fields.at("format").oneOf(["token", "json", "header"]), ...access };
}

function notifyAt(fields: ObjectCursor): NotifySpec {
  const kind = fields.at("kind").oneOf(["signal", "command"]);
  if (kind === "signal") {
    return { kind, signal: signalAt(fields.at("signal")), pidFile: fields.at("pidFile").text(longest) };
  }
  const [program, ...args] = fields.at("command").list(mostItems);
  if (program === undefined) throw fields.at("command").error("must have an item");
  return { kind, command: [program.text(longest), ...args.map((arg) => arg.freeText(0, longest))] };
}

const isSignal = (text: string): text is NodeJS.Signals => Object.hasOwn(constants.signals, text);

function signalAt(at: Cursor): NodeJS.Signals {
  const signal = at.text(longest);
  if (!isSignal(signal)) throw at.error("must be a signal");
  return signal;
}
