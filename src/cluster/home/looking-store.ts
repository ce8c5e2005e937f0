import { type DocumentRead, unusable } from "../../keeper/document-read.ts";
import type { RotationIdentity } from "../../keeper/store.ts";
import { ApiError } from "../../kube/kube-errors.ts";
import { nameOf } from "../../kube/resource.ts";
import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { RingObject } from "../../ring/codec.ts";
import { inForce } from "../../ring/obey.ts";
import { lastStatus } from "../last-status.ts";
import { slotOf } from "../slot.ts";
import { ClusterStore, type ClusterRead, type ClusterStoreOptions } from "../cluster-store.ts";
import { presumedRing, toldReading } from "./presume.ts";

/**
 * The three objects for somebody who only looks, and may not read every one: the public document then stands in for a
 * Secret, each time read anew, so that nothing is older than what was read before it.
 */
export class LookingStore extends ClusterStore {
  readonly #options: ClusterStoreOptions;
  readonly #unseen = new Set<string>();
  #signer: DocumentRead | undefined;

  constructor(options: ClusterStoreOptions) {
    super(options);
    this.#options = options;
  }

  /** Objects that may not be read here, by name. */
  get unseen(): readonly string[] {
    return [...this.#unseen];
  }

  override async read(role: RingObject, identity: RotationIdentity): Promise<ClusterRead> {
    try {
      const read = await super.read(role, identity);
      if (role === "signer") this.#signer = read;
      return read;
    } catch (error) {
      if (role === "public" || !(error instanceof ApiError) || error.status !== 403) throw error;
      this.#unseen.add(this.#nameOf(role));
      const told = toldReading(this.#options.owner, role);
      return told ? unusable(told) : this.#standIn(role, identity);
    }
  }

  async #standIn(role: "ring" | "signer", identity: RotationIdentity): Promise<ClusterRead> {
    const open = await super.read("public", identity);
    const { reading } = [open, this.#signer].find((one) => one?.reading.kind === "ring") ?? open;
    if (reading.kind === "ring") {
      const { client, rotation } = this.#options;
      const nowMs = client.transport.serverNowMs() ?? client.transport.clock.nowMs();
      const signerCanSign = this.#signerCanSign();
      const { policy } = inForce({ rotation }, { ring: reading.ring, nowMs });
      return unusable(presumedRing(reading.ring, { policy, nowMs, signerCanSign }));
    }
    // A conflict is told by itself; of a rotation that never had a ring, nothing is missing
    const hasRing = lastStatus(this.#options.owner).ringGeneration !== undefined;
    if (reading.kind === "foreign" || !hasRing) return unusable({ kind: "absent" });
    const problem = reading.kind === "unreadable" ? reading.problem : "is not there";
    throw new TryLaterError(
      "RingUnseen",
      `Cannot see the ring: ${this.#nameOf(role)} may not be read here, and ${this.#nameOf("public")} can't stand in: ${problem}`,
    );
  }

  #signerCanSign(): boolean {
    if (this.#signer?.reading.kind === "ring") return this.#signer.reading.ring.signer.canSign;
    const { conditions } = lastStatus(this.#options.owner);
    return !conditions.some(({ type, reason }) => type === "Ready" && reason === "SignerLost");
  }

  #nameOf(role: RingObject): string {
    const { resource, ref } = slotOf(this.#options.rotation, role);
    return nameOf(resource, ref);
  }
}
