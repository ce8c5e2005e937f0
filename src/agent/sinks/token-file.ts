import type { SinkDocument } from "../api/identity-document.ts";

/** The file that holds the token alone: what `KEYTURN_TOKEN_FILE` says. Undefined where there is none. */
export const tokenFileOf = (sinks: readonly SinkDocument[]): string | undefined =>
  sinks.find(({ kind, format }) => kind === "file" && format === "token")?.path;
