/** The readers of fields that this folder takes from elsewhere, in one place. */
export { texts as ringTexts } from "../../ring/resource/limits.ts";
export type { DurationBounds, TextLimit, WholeBounds } from "../../parse/forms.ts";
export { needSome, refuseSame, textsOf } from "../../parse/list-fields.ts";
export { choiceOf, durationOf, flagOf, instantOf, textOf, wholeOf } from "../../parse/scalars.ts";
export {
  entriesOf,
  fieldsOf,
  type Fields,
  isUnset,
  itemSpotsOf,
  need,
  refuse,
  refuseRepeats,
  type Spot,
} from "../../parse/spot.ts";
