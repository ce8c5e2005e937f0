import { readAdoptable, isAdoptable } from "../crypto/adopt.ts";
import type { AdoptionContext } from "../crypto/adoptable.ts";
import { publicObject, ringObject, signerObject, type Files } from "../crypto/objects.ts";
import type { Known } from "../crypto/unclaimed.ts";
import { type DocumentRead, DocumentOpener, readFiles, unusable } from "../keeper/document.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isWriteConflict, isNotFound } from "../kube/kube-errors.ts";
import type { KubeObject } from "../kube/object.ts";
import { nameOf, secrets } from "../kube/resource.ts";
import { KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import type { ProjectionName, RingObject } from "../ring/codec.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Ring } from "../ring/ring.ts";
import { algorithmOf, type RefusedRotation, type Rotation } from "../ring/resource/rotation.ts";
import { type Keeping, setAsideSecret, unclaimedIn } from "./set-aside-secret.ts";
import { isSameObject, relabelled, shaped } from "./shape.ts";
import { filesIn, ownership, type Slot, slotOf } from "./slot.ts";

/** One of the three objects as the API server has it. */
export interface ObjectRead extends DocumentRead {
  /** Absent when there is none. */
  readonly object?: KubeObject;
}

export interface Snapshot {
  readonly ring: ObjectRead;
  readonly signer: ObjectRead;
  readonly public: ObjectRead;
}

/** What a projection is made from, and the versions that were read. */
export interface Projection {
  readonly ring: Ring;
  readonly materials: KeyMaterials;
  readonly seen: Snapshot;
}

/** What a write goes over, and the ring that it is made from. */
interface Over extends Known {
  readonly read: ObjectRead;
}

export interface StoreOptions {
  readonly client: KubeClient;
  readonly rotation: Rotation | RefusedRotation;
  /** The JwtKeyRotation as it was read. */
  readonly owner: KubeObject;
  readonly signal?: AbortSignal;
  /** @default one that remembers nothing */
  readonly opener?: Pick<DocumentOpener, "open">;
  /** Hears of what is kept because it could not be taken over. */
  readonly onSetAside?: (note: string) => void;
}

/**
 * The three objects of a rotation on an API server: two Secrets and a ConfigMap, each read live and written whole over the
 * version that was read. Foreign data, labels and annotations in them are kept.
 */
export class ObjectStore {
  readonly #options: StoreOptions;
  readonly #opener: Pick<DocumentOpener, "open">;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#opener = options.opener ?? new DocumentOpener();
  }

  async readProjections(): Promise<Pick<Snapshot, ProjectionName>> {
    return { signer: await this.read("signer"), public: await this.read("public") };
  }

  /** One of the objects. What is wrong with it is a reading, never an error. */
  async read(role: RingObject): Promise<ObjectRead> {
    const { client, rotation, signal } = this.#options;
    const slot = slotOf(rotation, role);
    const object = await client.find(slot.resource, slot.ref, { ...(signal && { signal }) });
    if (object === undefined) return unusable({ kind: "absent" });
    return { ...(await this.#reading(object, slot)), object };
  }

  async #reading(object: KubeObject, slot: Slot): Promise<DocumentRead> {
    const { rotation } = this.#options;
    const whose = ownership(object, slot.role, rotation.ref.name);
    const files = filesIn(object, slot.resource);
    const foreign = (problem: string): DocumentRead =>
      unusable({ kind: "foreign", problem: `${nameOf(slot.resource, slot.ref)}: ${problem}` });
    if (object["immutable"] === true) return foreign("it is immutable");
    if (whose === "nobody") return slot.role === "signer" ? this.#adoptable(files, object, foreign) : foreign(stranger);
    if (whose !== "ours") return foreign(whose.not);
    const { role } = slot;
    return readFiles(files, {
      opener: this.#opener,
      object: role,
      rotation: rotation.ref,
      context: this.#context(object),
    });
  }

  /** What keys do not say by themselves. */
  #context({ metadata }: KubeObject): AdoptionContext {
    return {
      createdAtMs: Date.parse(metadata.creationTimestamp ?? ""),
      algorithm: algorithmOf(this.#options.rotation),
    };
  }

  async #adoptable(
    files: Files,
    object: KubeObject,
    foreign: (problem: string) => DocumentRead,
  ): Promise<DocumentRead> {
    if (!isAdoptable(files)) return foreign(`${stranger}, and holds no keys in a form that can be adopted`);
    try {
      const { signer, verifyOnly, materials } = await readAdoptable(files, this.#context(object));
      return { reading: { kind: "adoptable", signer, verifyOnly }, materials };
    } catch (error) {
      if (error instanceof KeyturnError) return foreign(error.message);
      throw error;
    }
  }

  /**
   * Makes this the ring, over the version that the snapshot has.
   *
   * @throws TryLaterError `Conflict` when somebody else was faster
   * @throws KubeError when the API server can't be reached, or refuses
   */
  async commit(ring: Ring, materials: KeyMaterials, seen: Snapshot): Promise<void> {
    await this.#write("ring", ringObject(ring, materials), { read: seen.ring, ring, materials });
  }

  /**
   * Brings a projection up to date over the version that the snapshot has. Returns false if it was already. Throws as
   * {@link commit} does.
   */
  async project(object: ProjectionName, { ring, materials, seen }: Projection): Promise<boolean> {
    const files = object === "signer" ? signerObject(ring, materials) : publicObject(ring, materials);
    return this.#write(object, files, { read: seen[object], ring, materials });
  }

  /**
   * Gives an object of ours whose data stay as they are the labels, annotations and owner that it is to have. Returns whether it
   * lacked any. Throws as {@link commit} does.
   */
  async relabel(role: RingObject, { object }: ObjectRead): Promise<boolean> {
    const { rotation, owner } = this.#options;
    if (object === undefined || ownership(object, role, rotation.ref.name) !== "ours") return false;
    const slot = slotOf(rotation, role);
    return this.#put(slot, object, relabelled(object, { slot, rotation, owner }));
  }

  async #write(role: RingObject, files: Files, { read, ring, materials }: Over): Promise<boolean> {
    const { rotation, owner } = this.#options;
    const slot = slotOf(rotation, role);
    const { object } = read;
    const next = shaped(object, { slot, files, rotation, owner });
    if (object !== undefined && !isSameObject(object, next)) {
      const names = unclaimedIn(read, slot, { ring, materials });
      if (names.length > 0) await this.#keep(slot, object, { names, rotation, generation: ring.generation });
    }
    return this.#put(slot, object, next);
  }

  /** Keeps what is about to be written over in a Secret of its own, which nothing of ours ever changes or removes. */
  async #keep(slot: Slot, object: KubeObject, keeping: Keeping): Promise<void> {
    const { client, signal, onSetAside } = this.#options;
    const kept = setAsideSecret(slot, object, keeping);
    try {
      await client.create(secrets, kept, { ...(signal && { signal }) });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    onSetAside?.(
      `${nameOf(slot.resource, slot.ref)} held what the ring does not have: it is kept in ${nameOf(secrets, kept.metadata)}`,
    );
  }

  async #put(slot: Slot, found: KubeObject | undefined, next: KubeObject): Promise<boolean> {
    const { client, owner, signal } = this.#options;
    if (found === undefined ? isLeaving(owner) : isSameObject(found, next)) return false;
    const options = { ...(signal && { signal }) };
    try {
      await (found === undefined
        ? client.create(slot.resource, next, options)
        : client.update(slot.resource, next, options));
      return true;
    } catch (error) {
      if (![isWriteConflict, isAlreadyExists, isNotFound].some((is) => is(error))) throw error;
      const name = nameOf(slot.resource, slot.ref);
      throw new TryLaterError("Conflict", `Cannot write ${name}: must be as it was read, was changed meanwhile`, {
        cause: error,
      });
    }
  }
}

/** What belongs to a resource that is being deleted is not made anew. */
const isLeaving = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

const stranger = "it was not made by Keyturn";
