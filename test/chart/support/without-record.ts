import { annotations } from "../../../src/parse/api-names.ts";

/** Objects of a manifest without what inject remembers of itself. */
export function withoutRecord<Objects>(objects: Objects): Objects {
  const isRecord = (value: unknown): boolean =>
    typeof value === "object" && value !== null && Object.keys(value).join() === annotations.injected;
  const copy: unknown = JSON.parse(JSON.stringify(objects), (name, value: unknown) =>
    name === "annotations" && isRecord(value) ? undefined : value,
  );
  return copy as Objects;
}
