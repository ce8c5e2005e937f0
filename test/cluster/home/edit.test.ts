import { describe, expect, test } from "vitest";
import type { Change } from "../../../src/ring/change.ts";
import { edited, editOf, editedPaths, editManifest, patchOf } from "../../../src/cluster/home/edit.ts";
import type { KubeObject } from "../../../src/kube/object.ts";

const resource = (spec: object = {}, annotations?: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "gateway", namespace: "shop", resourceVersion: "7", ...(annotations && { annotations }) },
  spec,
});
const instant = "2026-11-21T10:00:00.000Z";
const atMs = Date.parse(instant);
const entries = (count: number): readonly { readonly kid: string }[] =>
  Array.from({ length: count }, (_, n) => ({ kid: `kid-${n}` }));

describe("editOf", () => {
  test("asks for a rotation by its annotation", () => {
    expect(editOf({ kind: "rotate", requestedAt: instant }, resource())).toEqual({
      annotations: { "keyturn.dev/rotate-requested-at": instant },
      spec: {},
    });
  });

  test("pins a key", () => {
    expect(editOf({ kind: "pin", kid: "k1" }, resource()).spec).toEqual({ activeKid: "k1" });
  });

  test("takes a pin away, and nothing where there is none", () => {
    const unpin: Change = { kind: "pin", kid: undefined };
    expect(editOf(unpin, resource({ activeKid: "k1" })).spec).toEqual({ activeKid: null });
    expect(editOf(unpin, resource()).spec).toEqual({});
  });

  test("leaves out what is so already", () => {
    expect(editedPaths(editOf({ kind: "pin", kid: "k1" }, resource({ activeKid: "k1" })))).toEqual([]);
    const notes = { "keyturn.dev/rotate-requested-at": instant };
    expect(editedPaths(editOf({ kind: "rotate", requestedAt: instant }, resource({}, notes)))).toEqual([]);
  });

  test("appends a revoked kid, with its reason", () => {
    const before = resource({ revokedKids: [{ kid: "old", reason: "lost" }] });
    expect(editOf({ kind: "revoke", kid: "k1", reason: "stolen" }, before).spec).toEqual({
      revokedKids: [
        { kid: "old", reason: "lost" },
        { kid: "k1", reason: "stolen" },
      ],
    });
    expect(editOf({ kind: "revoke", kid: "k1", reason: "" }, resource()).spec).toEqual({
      revokedKids: [{ kid: "k1" }],
    });
  });

  test("names a revoked kid once", () => {
    const before = resource({ revokedKids: [{ kid: "k1", reason: "lost" }] });
    const after = { revokedKids: [{ kid: "k1", reason: "stolen" }] };
    expect(editOf({ kind: "revoke", kid: "k1", reason: "stolen" }, before).spec).toEqual(after);
  });

  test("of a revocation ends a pin of that key, and of no other", () => {
    const revoke: Change = { kind: "revoke", kid: "k1", reason: "" };
    expect(editOf(revoke, resource({ activeKid: "k1" })).spec).toHaveProperty("activeKid", null);
    expect(editOf(revoke, resource({ activeKid: "k2" })).spec).not.toHaveProperty("activeKid");
  });

  test.each([
    [62, 63, "none"],
    [63, 64, "none"],
    [64, 64, "kid-2"],
    [66, 64, "kid-2, kid-3, kid-5"],
  ])(
    "beside %i revoked kids names %i: gone is what the ring remembers, and no more than must (%s)",
    (had, has, gone) => {
      const before = resource({ revokedKids: entries(had) });
      const remembered = ["kid-2", "kid-3", "kid-5", "kid-7"];
      const { revokedKids } = editOf({ kind: "revoke", kid: "k1", reason: "" }, before, remembered).spec;
      const kids = (revokedKids as readonly { readonly kid: string }[]).map(({ kid }) => kid);
      expect(kids).toHaveLength(has);
      expect(kids.at(-1)).toBe("k1");
      const missing = entries(had)
        .map(({ kid }) => kid)
        .filter((kid) => !kids.includes(kid));
      expect(missing.join(", ") || "none").toBe(gone);
    },
  );

  test("keeps what nobody remembers, however many that are", () => {
    const before = resource({ revokedKids: entries(64) });
    expect(editOf({ kind: "revoke", kid: "k1", reason: "" }, before).spec["revokedKids"]).toHaveLength(65);
  });

  test.each([
    ["a millisecond before", atMs - 1, instant],
    ["the same instant", atMs, undefined],
    ["a millisecond after", atMs + 1, undefined],
    ["nothing", undefined, instant],
  ])("keeps the later instant of a revocation by age: %s", (_, beforeMs, value) => {
    const spec = beforeMs === undefined ? {} : { revokeKeysCreatedBefore: new Date(beforeMs).toISOString() };
    const { revokeKeysCreatedBefore } = editOf({ kind: "revokeCreatedBefore", atMs }, resource(spec)).spec;
    expect(revokeKeysCreatedBefore).toBe(value);
  });

  test("asks for a recovery, without the keys of an earlier one", () => {
    const before = resource({}, { "keyturn.dev/recover-jwks": "old" });
    expect(editOf({ kind: "recover", requestedAtMs: atMs }, before).annotations).toEqual({
      "keyturn.dev/recover-requested-at": instant,
      "keyturn.dev/recover-jwks": null,
    });
    expect(editOf({ kind: "recover", requestedAtMs: atMs, jwks: "new" }, before).annotations).toEqual({
      "keyturn.dev/recover-requested-at": instant,
      "keyturn.dev/recover-jwks": "new",
    });
    expect(editedPaths(editOf({ kind: "recover", requestedAtMs: atMs }, resource()))).toHaveLength(1);
  });
});

describe("an edit", () => {
  const edit = { annotations: { b: "2", gone: null }, spec: { activeKid: null, revokedKids: [] } };
  const before = resource({ activeKid: "k1", suspend: true }, { a: "1", gone: "x" });

  test("fieldsOf names each field that it changes", () => {
    expect(editedPaths(edit)).toEqual([
      ["metadata", "annotations", "b"],
      ["metadata", "annotations", "gone"],
      ["spec", "activeKid"],
      ["spec", "revokedKids"],
    ]);
  });

  test("edited is the resource with it, and keeps the rest", () => {
    const after = edited(before, edit);
    expect(after.metadata).toEqual({ ...before.metadata, annotations: { a: "1", b: "2" } });
    expect(after["spec"]).toEqual({ suspend: true, revokedKids: [] });
  });

  test("patchOf is held to the version that was read", () => {
    expect(patchOf(edit, before)).toEqual({
      metadata: { resourceVersion: "7", annotations: { b: "2", gone: null } },
      spec: { activeKid: null, revokedKids: [] },
    });
    expect(patchOf({ annotations: {}, spec: { a: 1 } }, before)).toEqual({
      metadata: { resourceVersion: "7" },
      spec: { a: 1 },
    });
  });

  test("manifestOf is what to commit: no version, and empty what goes", () => {
    expect(editManifest(edit, before)).toEqual({
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name: "gateway", namespace: "shop", annotations: { b: "2" } },
      spec: { activeKid: "", revokedKids: [] },
    });
  });
});
