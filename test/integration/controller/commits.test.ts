import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { root } from "../../../hack/run.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { admin } from "../support/scene.ts";
import { makeScene, RotationHandle, rotationsPath, startController } from "./support/scene.ts";
import { TokenFlow } from "./support/token-flow.ts";

const scene = await makeScene("commits");
const { namespace } = scene;
const timeout = 300_000;

interface Manifest {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** What docs/gitops.md says to commit. */
const page = await readFile(join(root, "docs/gitops.md"), "utf8");
const [, section = ""] = page.split("\n## Change it by a commit\n");
const blocks = [...(section.split("\n## ")[0] ?? "").matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text);

/** The commit of the page that sets this field, of this key. */
function commit(field: string, kid = ""): Manifest["spec"] {
  const found = blocks.slice(1).find((text) => text.startsWith(`spec:\n  ${field}:`));
  if (found === undefined) throw new Error(`docs/gitops.md has no commit for spec.${field}`);
  return (parse(found.replaceAll("<kid>", kid)) as Manifest).spec;
}

/** Seconds where the page has minutes. */
const hurried = { propagation: { minimum: "1s" } };

/** A repository with one manifest, and a tool that applies it, twice for each commit. It never forces: a conflict is a failure. */
class Repository {
  readonly rotation: RotationHandle;
  readonly #manager: string;
  #manifest: Manifest;

  constructor(manager: string) {
    this.#manager = manager;
    this.rotation = new RotationHandle(namespace, manager);
    const manifest = parse(blocks[0] ?? "") as Manifest;
    const spec = { ...manifest.spec, ...hurried };
    this.#manifest = { ...manifest, metadata: { name: manager }, spec };
  }

  async commit(change: Manifest["spec"]): Promise<void> {
    const { spec } = this.#manifest;
    const rotation = { ...(spec["rotation"] as object), ...(change["rotation"] as object | undefined) };
    await this.#apply({ ...spec, ...change, rotation });
  }

  async take(field: string): Promise<void> {
    await this.#apply(Object.fromEntries(Object.entries(this.#manifest.spec).filter(([name]) => name !== field)));
  }

  async #apply(spec: Manifest["spec"]): Promise<void> {
    this.#manifest = { ...this.#manifest, spec };
    const first = await this.applyAgain();
    const second = await this.applyAgain();
    expect(second.metadata["generation"]).toBe(first.metadata["generation"]);
  }

  async applyAgain(): Promise<KubeObject> {
    const path = `${rotationsPath(namespace)}/${this.rotation.name}?fieldManager=${this.#manager}`;
    return admin.request("PATCH", path, { body: this.#manifest, as: "apply" });
  }

  /** Who has written which part of the resource. */
  async writers(): Promise<readonly string[]> {
    const { metadata } = await admin.get(this.rotation.path);
    const entries = metadata["managedFields"] as readonly {
      readonly manager: string;
      readonly operation: string;
      readonly fieldsV1: object;
    }[];
    return entries.map(
      ({ manager, operation, fieldsV1 }) => `${manager} ${operation} ${Object.keys(fieldsV1).join(" ")}`,
    );
  }
}

const isIdle = ({ conditions }: { readonly conditions: readonly { type: string; reason: string }[] }): boolean =>
  conditions.some(({ type, reason }) => type === "Rotating" && reason === "Idle");

it.each(["argocd-controller", "kustomize-controller", "helm-controller", "helm"])(
  "commits of docs/gitops.md, applied by %s while tokens flow: none is refused, nothing is done twice, no field has two writers",
  { timeout },
  async (manager) => {
    const { deeds } = startController(scene);
    const repository = new Repository(manager);
    const { rotation } = repository;
    const isWell = async (): Promise<string> => {
      const { activeKid = "" } = await rotation.ready();
      await rotation.reaches("idle", isIdle);
      await repository.applyAgain();
      expect(await repository.writers()).toEqual([`${manager} Apply f:spec`, "keyturn-test Update f:status"]);
      return activeKid;
    };

    await repository.commit({});
    const first = await isWell();
    const flow = await TokenFlow.start(rotation);

    await repository.commit(commit("rotation"));
    await rotation.reaches("rotated", ({ activeKid }) => activeKid !== first);
    const second = await isWell();

    await repository.commit(commit("activeKid", first));
    const pinned = await rotation.reaches("rolled back", ({ conditions }) =>
      conditions.some(({ type, status }) => type === "Pinned" && status === "True"),
    );
    expect(pinned.activeKid).toBe(first);
    expect(pinned.conditions.find(({ type }) => type === "Pinned")?.message).toMatch(
      new RegExp(`; set by "${manager}", it has stopped the schedule since `),
    );
    await isWell();
    await repository.take("activeKid");
    await rotation.reaches("unpinned", ({ conditions }) => conditions.some(({ reason }) => reason === "NotPinned"));
    expect(await isWell()).toBe(first);

    flow.revokes(first);
    await repository.commit(commit("revokedKids", first));
    await rotation.reaches("revoked", ({ activeKid }) => activeKid !== first);
    const third = await isWell();
    expect(await flow.accepted(first)).toBe(0);

    await repository.commit(commit("algorithm"));
    await rotation.reaches("of another algorithm", ({ keys }) =>
      keys.some(({ state, algorithm }) => state === "Active" && algorithm === "EdDSA"),
    );
    const fourth = await isWell();

    const own = new Set([first, second, third, fourth]);
    const activated = deeds.flatMap((deed) => (deed.startsWith("activate ") ? [deed.slice("activate ".length)] : []));
    expect(activated.filter((kid) => own.has(kid))).toEqual([second, first, third, fourth]);
    expect(activated).toHaveLength(4);
    expect(await flow.settled()).toBeGreaterThan(8);
    expect(flow.refused).toEqual([]);
  },
);
