import { describe, expect, it } from "vitest";
import { keyRingAckDefinition } from "../../hack/crds/ack.ts";
import type { CustomResourceDefinition } from "../../hack/crds/definition.ts";
import { rotationDefinition } from "../../hack/crds/rotation.ts";
import type { Schema } from "../../hack/crds/schema.ts";
import { specFields } from "../../src/ring/resource/policy.ts";

const rootOf = ({ spec }: CustomResourceDefinition): Schema =>
  (spec as { versions: { schema: { openAPIV3Schema: Schema } }[] }).versions[0]?.schema.openAPIV3Schema as Schema;

/** Every schema of a definition with the way to it, but for what Kubernetes itself says about objects. */
function* all(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, below] of Object.entries(schema.properties ?? {}))
    if (path !== "" || !["apiVersion", "kind", "metadata"].includes(name)) yield* all(below, `${path}.${name}`);
  if (schema.items) yield* all(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* all(schema.additionalProperties, `${path}{}`);
}

const schemas = [rotationDefinition, keyRingAckDefinition].flatMap((definition) => [...all(rootOf(definition), "")]);
const where = (fits: (schema: Schema) => boolean): string[] =>
  schemas.filter(([, one]) => fits(one)).map(([path]) => path);

describe("the custom resources", () => {
  it("say of every field what it does, in sentences", () => {
    expect(where(({ description }) => !/^[A-Z][^]{3,}[.…]$/.test(description))).toEqual([]);
  });

  it("name the default in words wherever they set one", () => {
    const isSilent = ({ default: value, description }: Schema): boolean =>
      value !== undefined &&
      typeof value !== "object" &&
      !description.includes(`Default ${JSON.stringify(value).replaceAll('"', "")}.`);
    expect(where(isSilent)).toEqual([]);
  });

  it("bound every list and map", () => {
    expect(where(({ type, maxItems }) => type === "array" && maxItems === undefined)).toEqual([]);
    expect(where((one) => one.additionalProperties !== undefined && one.maxProperties === undefined)).toEqual([]);
  });

  it("bound every text of the spec, which is what CEL may cost", () => {
    const texts = schemas.filter(([path, { type }]) => type === "string" && !path.startsWith(".status"));
    const unbounded = texts.filter(([, one]) => one.maxLength === undefined && one.enum === undefined);
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });

  it("have the fields that parseRotation knows", () => {
    expect(Object.keys(rootOf(rotationDefinition).properties?.["spec"]?.properties ?? {})).toEqual(specFields);
  });

  it("say no message of more than one line", () => {
    const messages = schemas.flatMap(([, one]) =>
      (one["x-kubernetes-validations"] ?? []).map(({ message }) => message),
    );
    expect(messages.filter((message) => message.includes("\n"))).toEqual([]);
  });
});
