import type { Cursor } from "../../parse/cursor.ts";
import { formatInstant } from "../../parse/instant.ts";
import type { AgentIdentity, SinkProblem } from "../agent-identities.ts";
import type { SinkFormat, SinkSpec } from "../agent-spec.ts";

/** How an identity is doing, as the loopback API tells it, in the words of the TokenAgent file. Nothing secret; instants as {@link formatInstant}. */
export interface IdentityDocument {
  readonly name: string;
  readonly origin: (typeof origins)[number];
  readonly keep: (typeof keeps)[number];
  /** Absent where there is none. `expiresAt`: absent where no end is known. */
  readonly token?: { readonly receivedAt: string; readonly expiresAt?: string };
  /** When it is renewed, or tried again; absent while that is under way, and where only its use renews it. */
  readonly nextRenewalAt?: string;
  /** The disk has the token. */
  readonly saved: boolean;
  /** In a row. */
  readonly failures: number;
  /** Why the last try came to nothing. `final`: the issuer says no. */
  readonly trouble?: { readonly code: string; readonly message: string; readonly final: boolean; readonly at: string };
  readonly sinks: readonly SinkDocument[];
  readonly sinkProblems: readonly SinkProblem[];
}

/** `format`: of a file. */
export interface SinkDocument {
  readonly kind: SinkSpec["kind"];
  readonly path: string;
  readonly format?: SinkFormat;
}

const formats = ["token", "json", "header"] as const;
const origins = ["File", "Registered"] as const;
const keeps = ["Always", "OnUse"] as const;

export function identityDocument(identity: AgentIdentity): IdentityDocument {
  const { spec } = identity;
  const { origin, token, nextAtMs, isSaved, failures, trouble, sinkProblems } = identity.status();
  return {
    name: spec.name,
    origin: origin === "file" ? "File" : "Registered",
    keep: spec.keep === "always" ? "Always" : "OnUse",
    ...(token && {
      token: {
        receivedAt: formatInstant(token.receivedAtMs),
        ...(token.expiresAtMs !== undefined && { expiresAt: formatInstant(token.expiresAtMs) }),
      },
    }),
    ...(nextAtMs !== undefined && { nextRenewalAt: formatInstant(nextAtMs) }),
    saved: isSaved,
    failures,
    ...(trouble && {
      trouble: {
        code: trouble.code,
        message: trouble.message,
        final: trouble.isFinal,
        at: formatInstant(trouble.atMs),
      },
    }),
    sinks: spec.sinks.map((sink) => ({
      ...{ kind: sink.kind, path: sink.path },
      ...(sink.kind === "file" && { format: sink.format }),
    })),
    sinkProblems: sinkProblems.map(({ place, message }) => ({ place, message })),
  };
}

/** The document as {@link identityDocument} made it; members of a newer agent are passed over. @throws ChangeNeededError */
export function readIdentityDocument(cursor: Cursor): IdentityDocument {
  const fields = cursor.fields();
  const instantAt = (at: Cursor): string => formatInstant(at.instant());
  const token = fields.maybe("token")?.fields();
  const expiresAt = token?.maybe("expiresAt");
  const nextRenewalAt = fields.maybe("nextRenewalAt");
  const trouble = fields.maybe("trouble")?.fields();
  return {
    name: fields.at("name").text(63),
    origin: fields.at("origin").oneOf(origins),
    keep: fields.at("keep").oneOf(keeps),
    ...(token && {
      token: { receivedAt: instantAt(token.at("receivedAt")), ...(expiresAt && { expiresAt: instantAt(expiresAt) }) },
    }),
    ...(nextRenewalAt && { nextRenewalAt: instantAt(nextRenewalAt) }),
    saved: fields.at("saved").trueOrFalse(),
    failures: fields.at("failures").wholeNumber(0),
    ...(trouble && {
      trouble: {
        code: trouble.at("code").text(256),
        message: trouble.at("message").freeText(0, 4096),
        final: trouble.at("final").trueOrFalse(),
        at: instantAt(trouble.at("at")),
      },
    }),
    sinks: fields.at("sinks").list(1000).map(sinkIn),
    sinkProblems: fields
      .at("sinkProblems")
      .list(1000)
      .map((problem) => ({
        place: problem.fields().at("place").freeText(0, 8192),
        message: problem.fields().at("message").freeText(0, 4096),
      })),
  };
}

function sinkIn(cursor: Cursor): SinkDocument {
  const fields = cursor.fields();
  const format = fields.maybe("format")?.oneOf(formats);
  return {
    kind: fields.at("kind").oneOf(["file", "directory"]),
    path: fields.at("path").text(4096),
    ...(format && { format }),
  };
}
