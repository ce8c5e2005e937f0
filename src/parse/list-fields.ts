import type { TextLimit } from "./forms.ts";
import { textOf } from "./scalars.ts";
import { itemSpotsOf, looseFieldsOf, need, refuse, refuseRepeats, type Spot } from "./spot.ts";

/** Notes a list that is unset or empty. */
export function needSome(spot: Spot): void {
  const { value } = need(spot);
  if (Array.isArray(value) && value.length === 0) refuse(spot, "must have at least one item", "has none");
}

/** A list of texts as a set with an order. */
export function textsOf(spot: Spot, most: number, limit: TextLimit): readonly string[] {
  const items = itemSpotsOf(spot, most);
  refuseRepeats(items);
  return items.map((item) => textOf(need(item), limit) ?? "");
}

/** Notes every item whose member has a value that another one has. */
export function refuseSame(items: readonly Spot[], member: string): void {
  // What else is wrong with them is noted where they are read
  const members = items.map((item) => ({
    ...looseFieldsOf({ ...item, problems: [], unknown: [] })(member),
    problems: item.problems,
  }));
  refuseRepeats(members.filter(({ value }) => value !== undefined && value !== null));
}
