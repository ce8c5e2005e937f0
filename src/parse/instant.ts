const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const ours = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The one text that Keyturn writes for an instant: RFC 3339 in UTC with three decimals. @param ms Unix milliseconds */
export const formatInstant = (ms: number): string => new Date(ms).toISOString();

/** Unix milliseconds of a text that {@link formatInstant} wrote; undefined for any other text. */
export function readOwnInstant(text: string): number | undefined {
  const ms = ours.test(text) ? Date.parse(text) : NaN;
  // Date.parse takes 24:00 and may take 30 February: only an instant that is written as it was read exists
  return !Number.isNaN(ms) && formatInstant(ms) === text ? ms : undefined;
}

/**
 * Unix milliseconds of an RFC 3339 instant as Go reads it (capital T and Z, no leap second), cut to the millisecond;
 * undefined for any other text.
 *
 * @see RFC 3339 §5.6
 */
export function readInstant(text: string): number | undefined {
  const [, wallClock] = rfc3339.exec(text) ?? [];
  // The calendar and the clock must know it, wherever it is said
  if (wallClock === undefined || readOwnInstant(`${wallClock}.000Z`) === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
