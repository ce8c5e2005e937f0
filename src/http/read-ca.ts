import { X509Certificate } from "node:crypto";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import type { SmallFiles } from "../files/small-files.ts";

/**
 * Who may have signed a server's certificate, PEM. A file without any would mean that nobody may.
 *
 * @throws ChangeNeededError `FileUnreadable`, `FileUnfit`
 */
export async function readCa(files: SmallFiles, path: string): Promise<string> {
  const pem = await files.read(path);
  if (isCertificate(pem)) return pem;
  throw new ChangeNeededError("FileUnfit", `Cannot use CA ${quotedPath(path)}: must hold certificates in PEM`);
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
