import { createHash } from "node:crypto";
import type { ProjectionName } from "../../ring/codec.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { openRing, type OpenRing } from "../open-ring.ts";

/** What a source shows at one moment. A source that can't be asked throws instead. */
export type SourceReading =
  | { readonly kind: "ring"; readonly ring: OpenRing }
  /** There is nothing: not yet, or not any more. */
  | { readonly kind: "missing"; readonly problem: string }
  /** There is something else than a ring. Never with a part of it. */
  | { readonly kind: "unfit"; readonly problem: string };

/** The source of truth: asked without a cache, so that what it shows is what there is now. */
export interface Truth {
  /** It is asked for what there is in all, so that what it does not have nobody can have been given. A directory may be cut off. */
  readonly isServer: boolean;
  /** @throws KubeError when it can't be reached or refuses */
  read(signal: AbortSignal): Promise<SourceReading>;
}

export interface SourceOpenerOptions {
  readonly kind: ProjectionName;
  /** False: no private half is kept. */
  readonly withHalf: boolean;
}

/**
 * Opens documents of one source. The same text again is the same ring, which costs no signature; of the text itself nothing
 * but its digest is kept.
 */
export class SourceOpener {
  readonly #options: SourceOpenerOptions;
  #last: { readonly digest: string; readonly reading: Promise<SourceReading> } | undefined;

  constructor(options: SourceOpenerOptions) {
    this.#options = options;
  }

  open(text: string | undefined): Promise<SourceReading> {
    if (text === undefined) return Promise.resolve({ kind: "unfit", problem: 'must have a "keyring.json"' });
    const digest = createHash("sha256").update(text).digest("base64");
    if (this.#last?.digest !== digest) this.#last = { digest, reading: this.#open(text) };
    return this.#last.reading;
  }

  async #open(text: string): Promise<SourceReading> {
    const { kind, withHalf } = this.#options;
    try {
      return { kind: "ring", ring: await openRing(text, kind, withHalf) };
    } catch (error) {
      if (error instanceof KeyturnError) return { kind: "unfit", problem: error.message };
      // Whatever it is, the ring in memory goes on; a foreign message might quote what was read
      return { kind: "unfit", problem: "Cannot read key ring: this is a defect of Keyturn" };
    }
  }
}
