import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { Rivals } from "../../src/controller/rival.ts";

const seconds = 1000;

/** The resource in that version, as the holder of that lease reported on it; undefined: nobody has. */
const version = (resourceVersion: string, lease: string | undefined): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "gateway", namespace: "shop", resourceVersion },
  ...(lease !== undefined && { status: { observedGeneration: 1, ...(lease !== "" && { lease }) } }),
});

/** What is known after these looks, a second apart, by the holder of `a/ours`. */
function after(...versions: readonly KubeObject[]): Rivals {
  const rivals = new Rivals();
  versions.forEach((one, at) => rivals.look(one, "a/ours", at * seconds));
  return rivals;
}

describe("Rivals", () => {
  it.each([
    ["nobody has reported", [version("1", undefined)], false],
    ["another reported before we did", [version("1", "b/other"), version("2", "a/ours")], false],
    ["another reported, and we never did", [version("1", "b/other"), version("2", "b/other")], false],
    ["another reported after we did", [version("1", "a/ours"), version("2", "b/other")], true],
    ["a watch that is behind shows what we wrote over", [version("12", "a/ours"), version("9", "b/other")], false],
    ["versions are no numbers", [version("x", "a/ours"), version("y", "b/other")], false],
    ["one without a Lease reported after we did", [version("1", "a/ours"), version("2", "")], true],
    ["somebody wiped the status", [version("1", "a/ours"), version("2", undefined)], false],
  ] as const)("where %s", (_, versions, isTrouble) => {
    expect(after(...versions).trouble !== undefined).toBe(isTrouble);
  });

  it("names the other's Lease, or says that there is none", () => {
    const messages = ["b/other", ""].map(
      (lease) => after(version("1", "a/ours"), version("2", lease)).trouble?.message,
    );
    expect(messages).toEqual([
      expect.stringContaining('the one with the Lease "b/other"'),
      expect.stringContaining("one that holds no Lease"),
    ]);
  });

  it("forgets the other a minute after its last report", () => {
    const rivals = after(version("1", "a/ours"), version("2", "b/other"));
    rivals.reported(version("3", "a/ours"));
    rivals.look(version("3", "a/ours"), "a/ours", 60_999);
    expect(rivals.trouble?.reason).toBe("SeveralControllers");
    rivals.look(version("3", "a/ours"), "a/ours", 61_000);
    expect(rivals.trouble).toBeUndefined();
  });
});
