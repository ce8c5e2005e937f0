import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { type GrantRow, sidOf } from "../../issuer/store/grant-row.ts";
import type { GrantQuery, GrantStore } from "../../issuer/store/grant-store.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { note } from "../first-look.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
import { type Io, line } from "../text/screen.ts";
import { grantDocument } from "./grant-document.ts";
import { grantTable, grantText, grantViewOf } from "./grant-text.ts";

export interface GrantsListOptions {
  readonly query: GrantQuery;
  /** Text for people when absent; `wide` has more columns. */
  readonly output?: DocumentFormat | "wide";
}

/** Shows a page of grants. */
export async function grantsList(store: GrantStore, { query, output }: GrantsListOptions, io: Io): Promise<ExitCode> {
  const { rows, next } = await store.list(query);
  const view = grantViewOf(io);
  if (output === "json" || output === "yaml") {
    const items = rows.map((row) => grantDocument(row, view.nowMs));
    io.out.write(documentText({ items, ...(next && { next: sidOf(next) }) }, output));
    return exitCodes.done;
  }
  if (rows.length === 0) line(io.err, "No grant");
  else for (const text of grantTable(rows, { wide: output === "wide" }, view)) line(io.out, text);
  if (next) note(io, `there are more: --after=${sidOf(next)}`);
  return exitCodes.done;
}

/** So many children are shown beside their parent. */
const mostChildren = 100;

/** Shows everything of one grant but what a token could be made from, and its children. */
export async function grantsShow(
  store: GrantStore,
  { id, output }: { readonly id: Uint8Array; readonly output?: DocumentFormat },
  io: Io,
): Promise<ExitCode> {
  const row = await foundGrant(store, id);
  const { rows, next } = await store.list({ of: { kind: "parent", id }, limit: mostChildren });
  const view = grantViewOf(io);
  if (output) {
    const children = rows.map((child) => grantDocument(child, view.nowMs));
    const document = { ...grantDocument(row, view.nowMs), children, ...(next && { moreChildren: true }) };
    io.out.write(documentText(document, output));
    return exitCodes.done;
  }
  for (const text of grantText(row, view)) line(io.out, text);
  if (rows.length > 0) line(io.out);
  if (rows.length > 0) for (const text of grantTable(rows, { wide: false }, view)) line(io.out, text);
  if (next) note(io, `there are more: keyturn grants list --parent=${sidOf(id)} --after=${sidOf(next)}`);
  return exitCodes.done;
}

/** @throws ChangeNeededError `NoSuchGrant` */
export async function foundGrant(store: GrantStore, id: Uint8Array): Promise<GrantRow> {
  const row = await store.find(id);
  if (row) return row;
  throw new ChangeNeededError("NoSuchGrant", `Cannot find the grant "${sidOf(id)}": must be in the store, is not`);
}
