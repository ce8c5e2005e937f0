import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { isSameObject, relabelled, shaped } from "../../src/cluster/shape.ts";
import { ownership, slotOf } from "../../src/cluster/slot.ts";
import { resource, rotationOf } from "./support/resources.ts";

const files = { "keyring.json": "{}", kid: "k1" };
const data = { "keyring.json": "e30=", kid: "azE=" };

const made = (spec: object = {}, found?: KubeObject): KubeObject => {
  const rotation = rotationOf(spec);
  return shaped(found, { slot: slotOf(rotation, "signer"), files, rotation, owner: resource() });
};

/** As the API server gives it back. */
const stored = (object: KubeObject, change: Partial<KubeObject["metadata"]> = {}): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, uid: "u", resourceVersion: "1", ...change },
});

const ours = {
  "keyturn.dev/rotation": "gateway",
  "keyturn.dev/object": "signer",
  "keyturn.dev/namespace": "default",
};

describe("slotOf", () => {
  it.each([
    ["ring", "secrets", "keys-ring"],
    ["signer", "secrets", "keys"],
    ["public", "configmaps", "keys-public"],
  ] as const)("%s", (role, plural, name) => {
    const slot = slotOf(rotationOf(), role);
    expect([slot.resource.plural, slot.ref]).toEqual([plural, { namespace: "default", name }]);
  });
});

describe("ownership", () => {
  const rows: readonly (readonly [object, unknown])[] = [
    [{}, "nobody"],
    [{ app: "x" }, "nobody"],
    [ours, "ours"],
    [{ ...ours, "keyturn.dev/rotation": "other" }, { not: 'it belongs to the JwtKeyRotation "other"' }],
    [{ ...ours, "keyturn.dev/object": "ring" }, { not: "its label keyturn.dev/object must be signer, is ring" }],
    [{ "keyturn.dev/rotation": "gateway" }, { not: "its label keyturn.dev/object must be signer, is not there" }],
    [{ "keyturn.dev/object": "signer" }, { not: "it has no label keyturn.dev/rotation" }],
  ];
  it.each(rows)("of an object with the labels %j", (labels, expected) => {
    const object = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "keys", labels: labels as Record<string, string> },
    };
    expect(ownership(object, "signer", "gateway")).toEqual(expected);
  });
});

describe("shaped", () => {
  it("makes an object that is ours, and nobody's child", () => {
    expect(made()).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: "default", name: "keys", labels: ours },
      data,
    });
  });

  it("is the same as what it made", () => {
    const spec = { secretTemplate: { labels: { team: "a" }, annotations: { note: "b" } }, deletionPolicy: "Delete" };
    const first = stored(made(spec));
    expect(isSameObject(first, made(spec, first))).toBe(true);
    expect(isSameObject(first, made({}, first))).toBe(false);
  });

  it("keeps foreign data, labels, annotations, owners and whatever else stands there", () => {
    const other = { apiVersion: "v1", kind: "Pod", name: "p", uid: "p" };
    const found = stored(
      { ...made(), type: "kubernetes.io/tls", data: { ...data, mine: "eA==", "signing.pem": "old" } },
      { labels: { ...ours, app: "x" }, annotations: { a: "b" }, ownerReferences: [other], finalizers: ["f"] },
    );
    expect(made({}, found)).toEqual({ ...found, data: { ...data, mine: "eA==" } });
  });

  const pem = "-----BEGIN PRIVATE KEY-----";
  const jwk = `{"kty":"EC","d":"x"}`;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  it.each([
    ["kubectl.kubernetes.io/last-applied-configuration", "{}"],
    ["objectset.rio.cattle.io/applied", "H4sIAAAA"],
    ["example.com/plain", pem],
    ["example.com/jwk", JSON.stringify({ data: jwk })],
    ...["", "x", "xx"].flatMap((before) => [pem, jwk].map((text) => ["example.com/base64", base64(before + text)])),
  ])("takes away the annotation %s, which holds what the object held: %s", (name, value) => {
    const copy = { [name]: value, "example.com/note": "kept" };
    const found = stored(made(), { annotations: copy });
    expect(made({}, found).metadata.annotations).toEqual({ "example.com/note": "kept" });
    const rotation = rotationOf();
    const relabel = relabelled(found, { slot: slotOf(rotation, "signer"), rotation, owner: resource() });
    expect(relabel.metadata.annotations).toEqual({ "example.com/note": "kept" });
    expect(isSameObject(found, relabel)).toBe(false);
  });

  it("takes away what an earlier template put there, and nothing else", () => {
    const first = stored(made({ secretTemplate: { labels: { team: "a", tier: "b" }, annotations: { note: "c" } } }));
    const found = stored(first, { labels: { ...first.metadata.labels, app: "x" } });
    const next = made({ secretTemplate: { labels: { tier: "d" } } }, found);
    expect(next.metadata.labels).toEqual({ ...ours, app: "x", tier: "d" });
    expect(Object.keys(next.metadata.annotations ?? {})).toEqual(["keyturn.dev/template"]);
    expect(made({}, stored(next)).metadata.annotations).toBeUndefined();
  });

  it.each(["", "[]", "{", '{"labels":[1]}'])(
    "keeps what the template put there when its note is damaged: %s",
    (note) => {
      const first = stored(made({ secretTemplate: { labels: { team: "a" } } }), {
        annotations: { "keyturn.dev/template": note },
      });
      expect(made({}, first).metadata.labels).toEqual({ ...ours, team: "a" });
    },
  );

  it("puts the labels of the template on the ring, and of annotations, by which tools copy, those alone that are named for it", () => {
    const secretTemplate = { labels: { team: "a" }, annotations: { note: "b" }, ringAnnotations: { owner: "c" } };
    const ringOf = (given: object, found?: KubeObject): KubeObject => {
      const rotation = rotationOf(given);
      return shaped(found, { slot: slotOf(rotation, "ring"), files, rotation, owner: resource() });
    };
    const ring = ringOf({ secretTemplate });
    expect(ring.metadata.labels).toEqual({ ...ours, "keyturn.dev/object": "ring", team: "a" });
    expect(Object.keys(ring.metadata.annotations ?? {}).toSorted()).toEqual(["keyturn.dev/template", "owner"]);
    expect(made({ secretTemplate }).metadata.annotations).not.toHaveProperty("owner");
    const taken = ringOf({}, stored(ring));
    expect(taken.metadata.labels).toEqual({ ...ours, "keyturn.dev/object": "ring" });
    expect(taken.metadata.annotations).toBeUndefined();
  });

  it("takes its own names out of foreign binary data, where the API server allows each name once", () => {
    const found = stored({ ...made(), binaryData: { "jwks.json": "eA==", logo: "eA==" } });
    expect(made({}, found)["binaryData"]).toEqual({ logo: "eA==" });
  });

  it("names the resource as owner under Delete, in place of an earlier one of its name", () => {
    const owner = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", name: "gateway", uid: "uid-1" };
    expect(made({ deletionPolicy: "Delete" }).metadata.ownerReferences).toEqual([owner]);
    const found = stored(made(), { ownerReferences: [{ ...owner, uid: "uid-0" }] });
    expect(made({ deletionPolicy: "Delete" }, found).metadata.ownerReferences).toEqual([owner]);
    expect(made({}, found).metadata.ownerReferences).toBeUndefined();
  });

  it("never owns what was adopted, now or later", () => {
    const adopted = made({ deletionPolicy: "Delete" }, stored({ ...made(), data: {} }, { labels: { chart: "old" } }));
    expect(adopted.metadata.ownerReferences).toBeUndefined();
    expect(made({ deletionPolicy: "Delete" }, stored(adopted)).metadata.ownerReferences).toBeUndefined();
  });
});
