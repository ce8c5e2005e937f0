import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import { FollowedFiles } from "../files/followed-files.ts";
import { smallFiles, type SmallFiles } from "../files/small-files.ts";
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
  readonly #files: FollowedFiles<CertificatePair>;
  readonly #takers: Set<(pair: CertificatePair) => void>;

  private constructor(files: FollowedFiles<CertificatePair>, takers: Set<(pair: CertificatePair) => void>) {
    this.#files = files;
    this.#takers = takers;
  }

  /** @throws ChangeNeededError `CertificateUnusable`, `FileUnreadable` */
  static async open(options: CertificateOptions): Promise<Certificate> {
    const { certFile, keyFile, clock, pollMs, onChange } = options;
    const takers = new Set<(pair: CertificatePair) => void>();
    const files = await FollowedFiles.open<CertificatePair>({
      what: "the certificate",
      // Two files are written one after the other: the next look may find that they fit
      read: () => readPair(options),
      filesOf: () => [certFile, keyFile],
      isSame: (one, another) => one.cert === another.cert && one.key === another.key,
      take: (pair, isFirst) => {
        if (isFirst) return;
        for (const take of takers) take(pair);
        onChange({ kind: "taken" });
      },
      tell: (refused) => {
        if (refused) onChange({ kind: "refused", why: refused.message });
      },
      clock,
      ...(pollMs !== undefined && { pollMs }),
    });
    return new Certificate(files, takers);
  }

  get current(): CertificatePair {
    return this.#files.current;
  }

  /** Why what stands in the files now is not in force; undefined while it is. */
  get refused(): string | undefined {
    return this.#files.refused?.message;
  }

  /** Called with each one that takes the place of another. */
  follow(take: (pair: CertificatePair) => void): void {
    this.#takers.add(take);
  }

  /** Looks again whenever something changes, until the signal. Never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#files.run(signal);
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
