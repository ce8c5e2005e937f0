import type { SinkFormat, SinkSpec } from "../agent-spec.ts";

interface Place {
  readonly kind: SinkSpec["kind"];
  readonly path: string;
  readonly format?: SinkFormat;
}

/** The file that holds the token alone: what `KEYTURN_TOKEN_FILE` says. Undefined where there is none. */
export const tokenFileOf = (places: readonly Place[]): string | undefined =>
  places.find(({ kind, format }) => kind === "file" && format === "token")?.path;
