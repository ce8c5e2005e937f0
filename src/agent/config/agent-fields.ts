/** The readers of fields that this folder takes from elsewhere, in one place. */
export { absolutePathOf } from "../../files/path-field.ts";
export { addressOf } from "../../http/web-address.ts";
export { needSome, refuseSame, textsOf } from "../../parse/list-fields.ts";
export { onlyMemberOf } from "../../parse/only-member.ts";
export { choiceOf, durationOf, flagOf, textOf, wholeOf } from "../../parse/scalars.ts";
export {
  type Fields,
  fieldsOf,
  isUnset,
  itemSpotsOf,
  need,
  refuse,
  refuseRepeats,
  type Spot,
} from "../../parse/spot.ts";
