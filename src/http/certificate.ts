import { createPrivateKey, X509Certificate } from "node:crypto";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { ChangeNeededError, KeyturnError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import { smallFiles, type SmallFiles } from "../files/small-files.ts";
import { watchDirs } from "../files/watch-dirs.ts";
import { Bell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";

/** Where a server's certificate lies. */
export interface CertificateFiles {
  /** PEM: the server's own first, then those that lead to a root. */
  readonly certFile: string;
  /** PEM: its private key, without a password. */
  readonly keyFile: string;
}

/** What a server shows, and proves. PEM both. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions extends CertificateFiles {
  readonly clock: Clock;
  /** @default the disk's */
  readonly files?: SmallFiles;
  /** A change that the kernel does not tell of is seen after this long, in milliseconds. @default 10000 */
  readonly pollMs?: number;
  readonly onChange: (change: CertificateChange) => void;
}

/** What was found when something in the files had changed. */
export type CertificateChange =
  | { readonly kind: "taken" }
  /** The one before stays in force. */
  | { readonly kind: "refused"; readonly why: string };

/**
 * A certificate by two files that are looked at again and again: whoever issues it writes the next one over them. What can't be used is refused, and
 * the one before stays in force.
 */
export class Certificate {
  readonly #options: CertificateOptions;
  readonly #bell: Bell;
  readonly #takers = new Set<(pair: CertificatePair) => void>();
  #pair: CertificatePair;
  #refused: string | undefined;

  private constructor(options: CertificateOptions, pair: CertificatePair) {
    this.#options = options;
    this.#bell = new Bell(options.clock);
    this.#pair = pair;
  }

  /** @throws ChangeNeededError `CertificateUnusable`, `FileUnreadable` */
  static async open(options: CertificateOptions): Promise<Certificate> {
    return new Certificate(options, await readPair(options));
  }

  get current(): CertificatePair {
    return this.#pair;
  }

  /** Why what stands in the files now is not in force; undefined while it is. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** Called with each one that takes the place of another. */
  follow(take: (pair: CertificatePair) => void): void {
    this.#takers.add(take);
  }

  /** Looks again whenever something changes, until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { certFile, keyFile, pollMs = 10_000 } = this.#options;
    const dirs = new Set([dirname(certFile), dirname(keyFile)]);
    watchDirs([...dirs], () => this.#bell.ring(), signal);
    while (!signal.aborted) {
      await this.#bell.sleep(pollMs, signal);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    try {
      const pair = await readPair(this.#options);
      this.#refused = undefined;
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      for (const take of this.#takers) take(pair);
      this.#options.onChange({ kind: "taken" });
    } catch (error) {
      // Two files are written one after the other: the next look may find that they fit
      const why = error instanceof KeyturnError ? error.message : "this is a defect of Keyturn";
      if (why !== this.#refused) this.#options.onChange({ kind: "refused", why });
      this.#refused = why;
    }
  }
}

async function readPair({ certFile, keyFile, files = smallFiles }: CertificateOptions): Promise<CertificatePair> {
  const pair = { cert: await files.read(certFile), key: await files.read(keyFile) };
  try {
    // A file that is being written is empty for a moment, which a context takes for "none"
    if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) throw new Error("another key");
    createSecureContext(pair);
  } catch {
    // What OpenSSL says may quote the file
    throw new ChangeNeededError(
      "CertificateUnusable",
      `Cannot use ${quotedPath(certFile)}: must be PEM certificates, the first of them with the private key of ${quotedPath(keyFile)}`,
    );
  }
  return pair;
}
