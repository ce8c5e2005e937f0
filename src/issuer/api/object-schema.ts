/** The JSON Schema of a body that has these members and no others. */
export const objectSchema = (properties: object, required: readonly string[]): object => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
