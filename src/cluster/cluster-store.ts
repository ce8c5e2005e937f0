import { readAdoptable, isAdoptable } from "../crypto/adopt.ts";
import type { AdoptionContext } from "../crypto/adoptable.ts";
import { filesOf, type Files } from "../crypto/objects.ts";
import type { Known } from "../crypto/unclaimed.ts";
import { type DocumentRead, DocumentOpener, readFiles, unusable } from "../keeper/document-read.ts";
import type { RingStore, RotationIdentity, SetAside, Snapshot } from "../keeper/store.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isWriteConflict, isNotFound } from "../kube/kube-errors.ts";
import { withoutManagedFields } from "../kube/managed-fields.ts";
import type { KubeObject } from "../kube/object.ts";
import { nameOf, secrets } from "../kube/resource.ts";
import { KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import type { ProjectionName, RingObject } from "../ring/codec.ts";
import { type RefusedRotation, type Rotation } from "../ring/resource/rotation.ts";
import { setAsideSecret, unclaimedIn } from "./set-aside-secret.ts";
import { isSameObject, relabelled, shaped } from "./shape.ts";
import { filesIn, ownership, type Slot, slotOf } from "./slot.ts";

/** One of the three objects as the API server has it. */
export interface ClusterRead extends DocumentRead {
  /** Absent when there is none. */
  readonly object?: KubeObject;
}

/** Entries that a write would lose, as the Secret that keeps them. */
interface Stranded {
  readonly secret: KubeObject;
  readonly told: SetAside;
}

export interface ClusterStoreOptions {
  readonly client: KubeClient;
  readonly rotation: Rotation | RefusedRotation;
  /** The JwtKeyRotation as it was read. */
  readonly owner: KubeObject;
  readonly signal?: AbortSignal;
  /** @default one that remembers nothing */
  readonly opener?: Pick<DocumentOpener, "open" | "wrote">;
  /** Hears of what is kept because it could not be taken over. */
  readonly onSetAside?: (kept: SetAside) => void;
  /** Hears of each object as the server answered that it was written. */
  readonly onWritten?: (object: KubeObject) => void;
}

/**
 * The three objects of a rotation on an API server: two Secrets and a ConfigMap, each read live and written whole over the
 * version that was read. Foreign data, labels and annotations in them are kept.
 */
export class ClusterStore implements RingStore<ClusterRead> {
  readonly #options: ClusterStoreOptions;
  readonly #opener: Pick<DocumentOpener, "open" | "wrote">;
  /** What the server answered to the last write of each object: a reading of that instant. */
  readonly #answers = new Map<RingObject, KubeObject>();

  constructor(options: ClusterStoreOptions) {
    this.#options = options;
    this.#opener = options.opener ?? new DocumentOpener();
  }

  async read(role: RingObject, identity: RotationIdentity): Promise<ClusterRead> {
    const { client, rotation, signal } = this.#options;
    const slot = slotOf(rotation, role);
    const found = await client.find(slot.resource, slot.ref, { ...(signal && { signal }) });
    if (found === undefined) return unusable({ kind: "absent" });
    const object = withoutManagedFields(found);
    return { ...(await this.#reading(object, slot, identity)), object };
  }

  /** An object as it was left behind: as the server answered the last write of it, else as it was read. Asks nobody. */
  async readLeft(role: RingObject, identity: RotationIdentity, seen: Snapshot<ClusterRead>): Promise<ClusterRead> {
    const object = this.#answers.get(role);
    if (object === undefined) return seen[role];
    return { ...(await this.#reading(object, slotOf(this.#options.rotation, role), identity)), object };
  }

  async #reading(object: KubeObject, slot: Slot, { rotation, algorithm }: RotationIdentity): Promise<DocumentRead> {
    const whose = ownership(object, slot.role, rotation.name);
    const files = filesIn(object, slot.resource);
    const context = { createdAtMs: Date.parse(object.metadata.creationTimestamp ?? ""), algorithm };
    const foreign = (problem: string): DocumentRead =>
      unusable({ kind: "foreign", problem: `${nameOf(slot.resource, slot.ref)}: ${problem}` });
    if (object["immutable"] === true) return foreign("it is immutable");
    if (whose === "nobody")
      return slot.role === "signer" ? adoptableRead(files, { context, foreign }) : foreign(stranger);
    if (whose !== "ours") return foreign(whose.not);
    return readFiles(files, { opener: this.#opener, object: slot.role, rotation, context });
  }

  /** Throws {@link KubeError}s, too, as all that writes here. */
  async commit(next: Known, seen: Snapshot<ClusterRead>): Promise<void> {
    await this.#write("ring", next, seen);
    this.#opener.wrote(next);
  }

  /** Over the version that the snapshot has, so that a newer one is never lost. */
  publish(object: ProjectionName, next: Known, seen: Snapshot<ClusterRead>): Promise<boolean> {
    return this.#write(object, next, seen);
  }

  async relabel(role: RingObject, seen: Snapshot<ClusterRead>): Promise<boolean> {
    const { rotation, owner } = this.#options;
    const { object } = seen[role];
    if (object === undefined || ownership(object, role, rotation.ref.name) !== "ours") return false;
    const slot = slotOf(rotation, role);
    return this.#put(slot, object, relabelled(object, { slot, rotation, owner }));
  }

  setsAside(next: Known, seen: Snapshot<ClusterRead>): Promise<readonly SetAside[]> {
    const stranded = ringObjects.flatMap((object) => this.#strandedIn(object, next, seen));
    return Promise.resolve(stranded.map(({ told }) => told));
  }

  async #write(role: RingObject, next: Known, seen: Snapshot<ClusterRead>): Promise<boolean> {
    const { rotation, owner } = this.#options;
    const slot = slotOf(rotation, role);
    const { object } = seen[role];
    const files = filesOf[role](next.ring, next.materials);
    const shapedObject = shaped(object, { slot, files, rotation, owner });
    if (object !== undefined && !isSameObject(object, shapedObject)) {
      for (const stranded of this.#strandedIn(role, next, seen)) await this.#keep(stranded);
    }
    return this.#put(slot, object, shapedObject);
  }

  /** The Secret that must be made before the object is written over; none when nothing would be lost. */
  #strandedIn(role: RingObject, next: Known, seen: Snapshot<ClusterRead>): readonly Stranded[] {
    const { rotation } = this.#options;
    const slot = slotOf(rotation, role);
    const { object } = seen[role];
    const names = unclaimedIn(seen[role], slot, next);
    if (object === undefined || names.length === 0) return [];
    const secret = setAsideSecret(slot, object, { names, rotation, generation: next.ring.generation });
    return [
      { secret, told: { object: role, from: nameOf(slot.resource, slot.ref), to: nameOf(secrets, secret.metadata) } },
    ];
  }

  /** Keeps what is about to be written over in a Secret of its own, which nothing of ours ever changes or removes. */
  async #keep({ secret, told }: Stranded): Promise<void> {
    const { client, signal, onSetAside } = this.#options;
    try {
      await client.create(secrets, secret, { ...(signal && { signal }) });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    onSetAside?.(told);
  }

  async #put(slot: Slot, found: KubeObject | undefined, next: KubeObject): Promise<boolean> {
    const { client, owner, signal, onWritten } = this.#options;
    if (found === undefined ? isLeaving(owner) : isSameObject(found, next)) return false;
    const options = { ...(signal && { signal }) };
    try {
      const answer = await (found === undefined
        ? client.create(slot.resource, next, options)
        : client.update(slot.resource, next, options));
      this.#answers.set(slot.role, withoutManagedFields(answer));
      onWritten?.(answer);
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

interface AdoptableFiles {
  readonly context: AdoptionContext;
  readonly foreign: (problem: string) => DocumentRead;
}

/** Keys that stood in the signer Secret before Keyturn did. */
async function adoptableRead(files: Files, { context, foreign }: AdoptableFiles): Promise<DocumentRead> {
  if (!isAdoptable(files)) return foreign(`${stranger}, and holds no keys in a form that can be adopted`);
  try {
    const { signer, verifyOnly, materials } = await readAdoptable(files, context);
    return { reading: { kind: "adoptable", signer, verifyOnly }, materials };
  } catch (error) {
    if (error instanceof KeyturnError) return foreign(error.message);
    throw error;
  }
}

const ringObjects: readonly RingObject[] = ["ring", "signer", "public"];

/** What belongs to a resource that is being deleted is not made anew. */
const isLeaving = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

const stranger = "it was not made by Keyturn";
