import { type GrantRow, type GrantState, sidOf, stateOfGrant } from "../../issuer/store/grant-row.ts";
import { formatDuration } from "../../parse/duration.ts";
import { type Appearance, type Io, paint, type Style } from "../text/screen.ts";
import { pairs, table } from "../text/table.ts";
import { age, clockTimeAndDistance, distance, type LocalNow, shortSpan } from "../text/words.ts";

const styles: Readonly<Record<GrantState, Style>> = { active: "good", revoked: "bad", expired: "faint" };

/** Where it is written, and when. */
export interface GrantView extends LocalNow {
  readonly look: Appearance;
}

export const grantViewOf = (io: Io): GrantView => ({ look: io.out, nowMs: io.nowMs(), timeZone: io.timeZone });

/** Names come from other issuers' tokens: nothing in them moves a cursor, or turns text around. */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ""}}`);

const stateText = (state: GrantState, look: Appearance): string => paint(look, styles[state], state);

/** A line for each grant, below a line of heads. */
export function grantTable(
  rows: readonly GrantRow[],
  { wide }: { readonly wide: boolean },
  view: GrantView,
): readonly string[] {
  const { look, nowMs } = view;
  const more = wide ? ["AUDIENCES", "SCOPES", "ISSUER", "PARENT"] : [];
  const cells = rows.map(({ grant, terms }) => {
    const { audiences, scopes, foreign, parentId } = terms;
    const state = stateOfGrant(grant, nowMs);
    return [
      sidOf(grant.id),
      stateText(state, look),
      visible(terms.subject),
      visible(terms.clientId),
      String(grant.generation),
      age(grant.createdAtMs, nowMs),
      endText({ grant, terms }, nowMs),
      ...(wide
        ? [
            audiences.map(visible).join(","),
            scopes.map(visible).join(","),
            visible(foreign?.issuer ?? ""),
            parentId ? sidOf(parentId) : "",
          ]
        : []),
    ];
  });
  return table(["GRANT", "STATE", "SUBJECT", "CLIENT", "RENEWALS", "AGE", "ENDS", ...more], cells, {
    ...look,
    spare: ["AGE", "RENEWALS", "CLIENT", "STATE"],
  });
}

const endText = ({ grant: { revoked, expiresAtMs } }: GrantRow, nowMs: number): string =>
  distance(revoked ? revoked.atMs : expiresAtMs, nowMs);

/** Everything of one grant, a line for each thing. */
export function grantText({ grant, terms }: GrantRow, view: GrantView): readonly string[] {
  const { look, nowMs } = view;
  const { foreign, scopes, claims, keyThumbprint, parentId, askedRefreshTtl } = terms;
  const { replacedAtMs, notAfterMs, recoveredUnderMs, revoked } = grant;
  const at = (ms: number): string => clockTimeAndDistance(ms, view);
  const last = replacedAtMs[0];
  const some = (name: string, value: string | undefined): readonly (readonly [string, string])[] =>
    value === undefined || value === "" ? [] : [[name, value]];
  const end =
    revoked && `${at(revoked.atMs)}, ${revoked.reason === "reused" ? "a refresh token was used twice" : "revoked"}`;
  return pairs(
    [
      ["Grant", sidOf(grant.id)],
      ["State", stateText(stateOfGrant(grant, nowMs), look)],
      ...some("Ended", end),
      ["Subject", visible(terms.subject)],
      ["Client", visible(terms.clientId)],
      ...some("Came by", foreign && `${visible(foreign.subject)} of ${visible(foreign.issuer)}`),
      ...some("Parent", parentId && sidOf(parentId)),
      ["Audiences", terms.audiences.map(visible).join(", ")],
      ...some("Scopes", scopes.map(visible).join(" ")),
      ...some("Claims", Object.keys(claims).length === 0 ? undefined : visible(JSON.stringify(claims))),
      ...some("Bound to key", keyThumbprint),
      ["Access tokens", `live ${formatDuration(terms.accessTtlMs)}`],
      ["Refresh tokens", `live ${formatDuration(grant.refreshTtlMs)}${asked(askedRefreshTtl)}`],
      ["Began", at(grant.createdAtMs)],
      ["Renewals", last === undefined ? "none" : `${grant.generation}, the last ${shortSpan(nowMs - last)} ago`],
      ...some(
        "Carried forward",
        recoveredUnderMs === undefined ? undefined : `under recoverGrantsUntil ${at(recoveredUnderMs)}`,
      ),
      ["Expires", `${at(grant.expiresAtMs)}${revoked ? "" : ", unless it is renewed"}`],
      ...some("Not after", notAfterMs === undefined ? undefined : at(notAfterMs)),
    ],
    look,
  );
}

const asked = (seconds: string | undefined): string => (seconds === undefined ? "" : `, ${seconds} s were asked for`);
