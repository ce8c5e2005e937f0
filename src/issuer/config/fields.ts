/** The readers of fields that this folder takes from elsewhere, in one place. */
export { type DurationBounds, texts as ringTexts, type TextLimit } from "../../ring/resource/limits.ts";
export { choiceOf, durationOf, flagOf, instantOf, textOf } from "../../ring/resource/scalars.ts";
export {
  entriesOf,
  fieldsOf,
  type Fields,
  isUnset,
  itemsOf,
  looseFieldsOf,
  need,
  refuse,
  refuseRepeats,
  type Spot,
} from "../../ring/resource/spot.ts";
