import { type Fields, fieldsOf, isUnset, need, refuse, type Spot } from "./spot.ts";

/** An object of whose members exactly one is set: which. Several or none are noted. */
export function onlyMemberOf<Name extends string>(
  spot: Spot,
  names: readonly Name[],
): { readonly name: Name; readonly member: Spot } | undefined {
  const at: Fields<Name> = fieldsOf(need(spot), names);
  const [name, another] = names.filter((one) => !isUnset(at(one)));
  if (name !== undefined && another === undefined) return { name, member: at(name) };
  // An object that is none was noted as such
  if (typeof spot.value === "object" && spot.value !== null && !Array.isArray(spot.value)) {
    const actual = name === undefined ? "sets none" : `sets ${name} and ${another ?? ""}`;
    refuse(spot, `must set exactly one of ${names.join(", ")}`, actual);
  }
  return undefined;
}
