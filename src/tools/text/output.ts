import { stringify } from "yaml";

/** Output for programs. */
export type DocumentFormat = "json" | "yaml";

/** The document as text that ends with a line end. Never wrapped: a line of YAML is a line of the value. */
export const documentText = (document: unknown, format: DocumentFormat): string =>
  format === "json" ? `${JSON.stringify(document, undefined, 2)}\n` : stringify(document, { lineWidth: 0 });
