/** The members of a JSON object, of which nothing is known yet. */
export type Members = Readonly<Record<string, unknown>>;

/** True for a JSON object, which a list is not. */
export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value where it is an object; anything else has no members. */
export const membersOf = (value: unknown): Members => (isObject(value) ? value : {});

/** The value where it is a list; anything else has no items. */
export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The items that are objects. */
export const objectsIn = (value: unknown): readonly Members[] => itemsOf(value).filter(isObject);
