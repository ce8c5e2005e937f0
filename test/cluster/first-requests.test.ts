import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { firstRequestsOf, withoutManagers } from "../../src/cluster/first-requests.ts";
import { readRotation } from "../../src/ring/resource/rotation.ts";

const name = "keyturn.dev/rotate-requested-at";
const spec = { tokens: { issuer: "https://issuer.example", audiences: ["api"] } };
const ofAnnotation = { "f:metadata": { "f:annotations": { [`f:${name}`]: {} } } };
const ofBoth = { ...ofAnnotation, "f:spec": { "f:tokens": {} } };

interface Entry {
  readonly time: string;
  readonly fieldsV1: object;
  readonly subresource?: string;
}

const at = (second: number): string => `2026-11-30T10:00:0${second}Z`;

/** Made at second 5, with the request `a`. */
const made = (...managedFields: readonly Entry[]): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: {
    ...{ name: "gateway", namespace: "shop", generation: 3, creationTimestamp: at(5), annotations: { [name]: "a" } },
    managedFields: managedFields.map((one) => ({ manager: "somebody", operation: "Update", ...one })),
  },
  spec,
});

const requestsIn = (resource: KubeObject) =>
  firstRequestsOf(resource, readRotation(resource, { unknownFields: "warn" }));

describe("firstRequestsOf an annotation", () => {
  it.each([
    ["stands in what the resource was made with", [{ time: at(5), fieldsV1: ofBoth }], true],
    ["stands in what a backup was made of", [{ time: at(4), fieldsV1: ofBoth }], true],
    ["was set later by who made it", [{ time: at(6), fieldsV1: ofBoth }], false],
    ["was set in the same second by another", [{ time: at(5), fieldsV1: ofAnnotation }], false],
    ["is nobody's that is known", [], false],
  ] as const)("that %s", (_, entries, isFirst) => {
    expect(requestsIn(made(...entries))).toEqual(isFirst ? ["annotation:a"] : []);
  });
});

it("takes what stands in a resource that was reported on for asked for: it may have been set in the same second", () => {
  const conditions = [{ type: "Ready", status: "True", reason: "Idle", message: "", lastTransitionTime: at(5) }];
  const resource = { ...made({ time: at(5), fieldsV1: ofBoth }), status: { conditions } };
  expect(requestsIn(resource)).toEqual([]);
});

describe("withoutManagers", () => {
  const managers = { time: at(5), fieldsV1: ofBoth };

  it("keeps who set what until the resource was reported on: it says what was asked for at the beginning", () => {
    expect(withoutManagers(made(managers))).toEqual(made(managers));
  });

  it("leaves them out afterwards, and nothing else", () => {
    const conditions = [{ type: "Ready", status: "True", reason: "Idle", message: "", lastTransitionTime: at(5) }];
    const { managedFields, ...metadata } = made(managers).metadata;
    expect(managedFields).toBeDefined();
    const reported = { ...made(managers), status: { conditions } };
    expect(withoutManagers(reported)).toEqual({ ...reported, metadata });
  });
});

describe("firstRequestsOf a requestID", () => {
  it.each([
    [1, ["spec:x"]],
    [2, []],
  ] as const)("in generation %i", (generation, expected) => {
    const resource = made();
    const rotation = { requestID: "x" };
    const metadata = { ...resource.metadata, generation };
    expect(requestsIn({ ...resource, metadata, spec: { ...spec, rotation } })).toEqual(expected);
  });
});
