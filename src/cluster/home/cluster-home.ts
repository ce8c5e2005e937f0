import type { Precheck, RingHome } from "../../keeper/home.ts";
import { publicHalvesIn } from "../../keeper/recovery.ts";
import type { SetAside } from "../../keeper/store.ts";
import { knownAfter } from "../../keeper/strangers.ts";
import { readPublicJwks } from "../../crypto/brought.ts";
import { DocumentOpener } from "../../keeper/document-read.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isWriteConflict } from "../../kube/kube-errors.ts";
import { nameOf } from "../../kube/resource.ts";
import type { Change } from "../../ring/change.ts";
import type { ProjectionName } from "../../ring/codec.ts";
import type { Decision, Observation } from "../../ring/decide.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { Kid } from "../../ring/key.ts";
import type { Keeper } from "../../ring/keeper.ts";
import type { RotationRef } from "../../ring/ring.ts";
import { algorithmOf, parseRotation } from "../../ring/resource/rotation.ts";
import { type Edit, edited, editOf, editedPaths, patchOf } from "./edit.ts";
import { withApiErrors } from "./api-errors.ts";
import { clusterKeeper } from "./cluster-keeper.ts";
import { type ClusterLook, look } from "./look.ts";
import { News } from "./news.ts";
import { precheckOf } from "./precheck.ts";
import { readResource, type RotationResource } from "./read-resource.ts";
import { stalledSinceMs } from "../last-status.ts";
import { rotations, toolsManager } from "../../parse/api-names.ts";
import { filesIn, slotOf } from "../slot.ts";

export interface ClusterHomeOptions {
  /** For people: `context dev`. */
  readonly where: string;
  /** How long one request may take, in milliseconds: a look, which is several, may take as long, and 30 s at the least. @default 0 */
  readonly requestMs?: number;
}

/**
 * The JwtKeyRotation of that name. Writes nothing but the resource itself; what the person behind the client may not read is
 * presumed from what is public, and said in {@link RingHome.remarks}. Every method throws KeyturnErrors alone.
 */
export function clusterHome(client: KubeClient, ref: RotationRef, options: ClusterHomeOptions): RingHome {
  return new ClusterHome(client, ref, options);
}

/** How long one look may take at the least, in milliseconds. */
const leastPatienceMs = 30_000;
/** So many times a change is tried over what others changed meanwhile. */
const mostWriteTries = 5;

class ClusterHome implements RingHome {
  readonly where: string;
  readonly #client: KubeClient;
  readonly #ref: RotationRef;
  readonly #opener = new DocumentOpener();
  readonly #news: News;
  readonly #patienceMs: number;
  #remarks: readonly string[] = [];

  constructor(client: KubeClient, ref: RotationRef, { where, requestMs = 0 }: ClusterHomeOptions) {
    this.where = where;
    this.#patienceMs = Math.max(leastPatienceMs, requestMs);
    this.#client = client;
    this.#ref = ref;
    this.#news = new News(client, ref);
  }

  async observe(signal?: AbortSignal): Promise<Observation> {
    const kept = this.#news.kept();
    if (kept) return kept;
    const mark = this.#news.mark();
    const { seen, remarks } = await this.#look(signal);
    this.#remarks = remarks;
    this.#news.keep(seen, mark);
    return seen;
  }

  #look(signal?: AbortSignal): Promise<ClusterLook> {
    const patience = AbortSignal.timeout(this.#patienceMs);
    const ends = signal ? AbortSignal.any([signal, patience]) : patience;
    return withApiErrors(() => look({ client: this.#client, ref: this.#ref, opener: this.#opener, signal: ends }));
  }

  remarks(): readonly string[] {
    return this.#remarks;
  }

  publicJwks(): Promise<string> {
    return this.#file("public", "jwks.json");
  }

  keyRing(of: ProjectionName): Promise<string> {
    return this.#file(of, "keyring.json");
  }

  #file(role: ProjectionName, file: string): Promise<string> {
    return withApiErrors(async () => {
      const { rotation } = await readResource(this.#client, this.#ref);
      const { resource, ref } = slotOf(rotation, role);
      const object = await this.#client.find(resource, ref);
      const text = object && filesIn(object, resource)[file];
      if (text !== undefined) return text;
      const is = object ? "it is not in there" : "nothing is published yet";
      throw new ChangeNeededError("NotPublished", `Cannot read ${file} of ${nameOf(resource, ref)}: ${is}`);
    });
  }

  keeper(signal?: AbortSignal): Promise<Keeper> {
    return withApiErrors(() => clusterKeeper(this.#client, this.#ref, signal ?? AbortSignal.timeout(this.#patienceMs)));
  }

  async precheck(change: Change): Promise<Precheck> {
    const remembered = await this.#remembered(change);
    return withApiErrors(async () => {
      const found = await readResource(this.#client, this.#ref);
      return precheckOf(this.#edit(change, found, remembered), found.resource);
    });
  }

  async setsAside(decision: Decision, change: Change): Promise<readonly SetAside[]> {
    const { store, snapshot, rotation } = await this.#look();
    const next = knownAfter(decision, snapshot, publicHalvesIn(change, algorithmOf(rotation)));
    return next ? store.setsAside(next, snapshot) : [];
  }

  async change(change: Change): Promise<void> {
    const remembered = await this.#remembered(change);
    await withApiErrors(async () => {
      for (let tries = 1; tries <= mostWriteTries; tries++) {
        const found = await readResource(this.#client, this.#ref);
        if (await this.#try(this.#edit(change, found, remembered), found)) return;
      }
      const name = nameOf(rotations, this.#ref);
      throw new TryLaterError("Conflict", `Cannot change ${name}: must stay as it was read, others keep changing it`);
    });
  }

  #edit(change: Change, { resource, rotation }: RotationResource, remembered: readonly Kid[]): Edit {
    if (change.kind !== "recover") return editOf(change, resource, remembered);
    // A request counts when it is later than the stall, by clocks that are not this machine's; and of those only the least is known. A
    // stall that nobody has reported yet begins at any moment up to now
    const { transport } = this.#client;
    const sinceMs = stalledSinceMs(resource);
    const nowMs = Math.ceil((transport.serverNowMs() ?? change.requestedAtMs) + transport.serverDoubtMs());
    const requestedAtMs = Number.isFinite(sinceMs) ? Math.max(nowMs, sinceMs + 1) : nowMs;
    const algorithm = algorithmOf(rotation);
    if (change.jwks !== undefined) readPublicJwks(change.jwks, { createdAtMs: requestedAtMs, algorithm });
    return editOf({ ...change, requestedAtMs }, resource);
  }

  /** False when somebody else was faster. */
  async #try(edit: Edit, { resource, rotation }: RotationResource): Promise<boolean> {
    if (editedPaths(edit).length === 0) return true;
    // One that is refused already must not be in the way of an emergency; the API server has its own say
    if ("policy" in rotation) parseRotation(edited(resource, edit), { unknownFields: "warn" });
    try {
      const patch = { ref: this.#ref, body: patchOf(edit, resource) };
      await this.#client.merge(rotations, patch, { fieldManager: toolsManager });
      return true;
    } catch (error) {
      if (isWriteConflict(error)) return false;
      throw error;
    }
  }

  /** Kids that the ring remembers as revoked: the resource need not, when its list is full. */
  async #remembered({ kind }: Change): Promise<readonly Kid[]> {
    if (kind !== "revoke") return [];
    const { found } = await this.observe();
    return found.ring.kind === "ring" ? found.ring.ring.revoked.map(({ kid }) => kid) : [];
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    const publicName = async (): Promise<string> => {
      const { rotation } = await readResource(this.#client, this.#ref, signal);
      return slotOf(rotation, "public").ref.name;
    };
    return this.#news.changes(signal, publicName);
  }
}
