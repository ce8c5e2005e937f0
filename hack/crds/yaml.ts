import { stringify } from "yaml";

/** A generated file's text: says first where it comes from. */
export const yamlFile = (source: string, value: unknown): string =>
  `# Generated from ${source} by npm run generate\n${stringify(value, { lineWidth: 120, aliasDuplicateObjects: false })}`;
