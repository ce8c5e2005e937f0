export const clientName = "@keyturn/client";

/** What the package exports: a file of src/client, and under which name. */
export const clientEntries: readonly { readonly file: string; readonly as: string }[] = [
  { file: "index", as: "." },
  { file: "sessions", as: "./sessions" },
  { file: "verify", as: "./verify" },
];

/** Where the report of an entry's API is kept. */
export const reportOf = (file: string): string => `hack/client/${file}.api.md`;
