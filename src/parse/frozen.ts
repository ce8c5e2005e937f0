import { isObject } from "./object.ts";

/** Freezes the value and all that lies in it, in place, and returns it. Not for what holds itself. */
export function frozen<Value>(value: Value): Value {
  if (Array.isArray(value)) {
    for (const one of value) frozen(one);
  } else if (isObject(value)) {
    for (const name in value) frozen(value[name]);
  } else {
    return value;
  }
  return Object.freeze(value);
}
