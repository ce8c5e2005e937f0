import { hiddenName } from "../errors/quote.ts";

/**
 * The path of a member: `$.keys` and `kid` give `$.keys.kid`. Anything but a simple name goes into brackets, and quotes where it
 * has to, so that no path can break a line; a name that may be key material is told by its length.
 *
 * @param path - Of the object; empty for one that has none, `spec` of a resource
 */
export function memberPath(path: string, name: string): string {
  const hidden = hiddenName(name);
  if (hidden !== undefined) return `${path}${hidden}`;
  if (/^[A-Za-z_$][\w$-]*$/.test(name)) return path === "" ? name : `${path}.${name}`;
  return `${path}[${/^[\w./-]+$/.test(name) ? name : JSON.stringify(name)}]`;
}

export const itemPath = (path: string, index: number): string => `${path}[${index}]`;
