import { isPlainText } from "../config/claims.ts";

/**
 * Is it this path, or one below it? A path stands for itself and all that lies below, whole segments at a time: `/a/b` lies below `/a`,
 * `/ab` does not. What some server might read as another path than it says lies below nothing: an empty segment, `.` and `..` in any
 * writing, a percent sign, a backslash.
 */
export function isPathWithin(path: unknown, above: unknown): boolean {
  if (typeof path !== "string" || typeof above !== "string") return false;
  if (path === above) return true;
  const start = above.endsWith("/") ? above : `${above}/`;
  return path.startsWith(start) && path.slice(start.length).split("/").every(isSegment);
}

/** Dots alone, also before a semicolon, after which some servers look no further, are no name. Neither are other letters for them. */
const isSegment = (segment: string): boolean =>
  isPlainText(segment) && !/[%\\/]|^\.+(?:;|$)/.test(segment.normalize("NFKC"));
