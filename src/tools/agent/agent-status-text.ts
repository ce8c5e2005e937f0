import type { IdentityDocument } from "../../agent/api/identity-document.ts";
import { type Appearance, paint } from "../text/screen.ts";
import { pairs, table } from "../text/table.ts";
import { clockTime, clockTimeAndDistance, distance, type LocalNow } from "../text/words.ts";
import { visible } from "../grants/grant-text.ts";

/** Where it is written, and when. */
export interface AgentView extends LocalNow {
  readonly look: Appearance;
}

/** A line for each identity, below a line of heads; then what is wrong, in full. */
export function agentTable(identities: readonly IdentityDocument[], view: AgentView): readonly string[] {
  const rows = identities.map((one) => [
    one.name,
    one.keep,
    validText(one, view, clockTime),
    nextText(one, view),
    sinksText(one, view.look),
    errorText(one, view.look),
  ]);
  const troubles = identities.flatMap((one) => troublesOf(one).map((text) => `${one.name}: ${text}`));
  return [
    ...table(["IDENTITY", "KEEP", "VALID UNTIL", "NEXT RENEWAL", "SINKS", "LAST ERROR"], rows, view.look),
    ...(troubles.length > 0 ? ["", ...troubles] : []),
  ];
}

/** Everything of one identity, a line for each thing. */
export function agentIdentityText(identity: IdentityDocument, view: AgentView): readonly string[] {
  const { name, keep, origin, token, failures, sinks, saved } = identity;
  const some = (title: string, values: readonly string[]): readonly (readonly [string, string])[] =>
    values.map((value) => [title, value]);
  return pairs(
    [
      ["Identity", name],
      ["Keep", keep],
      ["From", origin === "File" ? "the file" : "registered at run time"],
      ["Valid until", validText(identity, view, clockTimeAndDistance)],
      ...some("Received", token ? [clockTimeAndDistance(Date.parse(token.receivedAt), view)] : []),
      ["Next renewal", nextText(identity, view)],
      ...some("On the disk", saved ? [] : [paint(view.look, "bad", "not yet")]),
      ...some("Failures", failures === 0 ? [] : [`${failures} in a row`]),
      ...some(
        "Sink",
        sinks.map(({ kind, path }) => `${kind} ${visible(path)}`),
      ),
      ...some("Trouble", troublesOf(identity)),
    ],
    view.look,
  );
}

function validText(
  { token }: IdentityDocument,
  view: AgentView,
  written: (atMs: number, now: LocalNow) => string,
): string {
  if (!token) return paint(view.look, "bad", "no token");
  if (token.expiresAt === undefined) return "no end";
  const atMs = Date.parse(token.expiresAt);
  if (atMs > view.nowMs) return written(atMs, view);
  return paint(view.look, "bad", `ended ${distance(atMs, view.nowMs)}`);
}

function nextText({ nextRenewalAt, keep }: IdentityDocument, { nowMs }: AgentView): string {
  if (nextRenewalAt === undefined) return keep === "OnUse" ? "on use" : "now";
  return distance(Math.max(nowMs, Date.parse(nextRenewalAt)), nowMs);
}

function sinksText({ sinks, sinkProblems }: IdentityDocument, look: Appearance): string {
  if (sinkProblems.length === 0) return String(sinks.length);
  return paint(look, "bad", `${sinks.length - sinkProblems.length} of ${sinks.length}`);
}

function errorText({ trouble }: IdentityDocument, look: Appearance): string {
  return trouble ? paint(look, trouble.final ? "bad" : "busy", visible(trouble.code)) : "";
}

const troublesOf = ({ trouble, sinkProblems }: IdentityDocument): readonly string[] => [
  ...(trouble ? [visible(trouble.message)] : []),
  ...sinkProblems.map(({ place, message }) => visible(message.includes(place) ? message : `${place}: ${message}`)),
];
