import { DirDocument, type DirDocumentOptions, type DocumentText } from "../../files/dir-document.ts";
import { SourceOpener, type SourceOpenerOptions, type SourceReading, type Truth } from "./ring-source.ts";

export interface DirectoryOptions extends SourceOpenerOptions, Omit<DirDocumentOptions, "name"> {}

/** A mounted Secret or ConfigMap, or a directory that standalone keeps. */
export class Directory implements Truth {
  readonly isServer = false;
  readonly #document: DirDocument;
  readonly #opener: SourceOpener;

  constructor(options: DirectoryOptions) {
    this.#document = new DirDocument({ ...options, name: "keyring.json" });
    this.#opener = new SourceOpener(options);
  }

  /** What stands there now; one consistent set of files, whatever is swapped meanwhile. */
  async read(): Promise<SourceReading> {
    return this.#opened(await this.#document.read());
  }

  /** Tells of every change, the first reading included, until the signal. */
  run(signal: AbortSignal, tell: (reading: SourceReading) => void): Promise<void> {
    return this.#document.follow(signal, async (found) => {
      const reading = await this.#opened(found);
      tell(reading);
      return reading.kind === "ring";
    });
  }

  async #opened(found: DocumentText): Promise<SourceReading> {
    return found.kind === "text" ? this.#opener.open(found.text) : found;
  }
}
