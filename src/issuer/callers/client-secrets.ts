import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import type { Client } from "../config/token-issuer.ts";
import { longestSecret, type StoredSecret } from "./clients.ts";
import { hashSecret, parseScryptHash, saysScrypt } from "./scrypt-hash.ts";
import type { SmallFiles } from "../../files/small-files.ts";

/** Shorter than that a secret can be guessed. In UTF-16 units. */
const shortestSecret = 16;

/** What the files of a client hold. @throws ChangeNeededError without anything of them */
export const readSecrets = ({ secretFiles }: Client, files: SmallFiles): Promise<readonly StoredSecret[]> =>
  Promise.all(secretFiles.map(async (path) => storedSecretIn(await files.readLine(path), path)));

function storedSecretIn(line: string, path: string): StoredSecret {
  if (!saysScrypt(line)) {
    if (line.length >= shortestSecret && line.length <= longestSecret) return { plain: line };
    throw unfit(path, `must hold a secret of ${shortestSecret} to ${longestSecret} characters, or its hash`);
  }
  const scrypt = parseScryptHash(line);
  if (scrypt) return { scrypt };
  throw unfit(path, "must hold a whole scrypt hash, of ln=14 and r=8 to 128 MiB");
}

/**
 * The hash of a secret, for a file of a client; the secret comes as a line of text, such as standard input.
 *
 * @throws ChangeNeededError `SecretUnfit` without anything of it
 */
export function hashOfLine(text: string): Promise<string> {
  const line = text.replace(/\r?\n$/, "");
  const isFit = line.length >= shortestSecret && line.length <= longestSecret && !/[\u0000-\u001f\u007f]/.test(line);
  if (isFit && !saysScrypt(line)) return hashSecret(line);
  throw new ChangeNeededError(
    "SecretUnfit",
    `Cannot hash the secret: must be one line of ${shortestSecret} to ${longestSecret} characters, and no hash`,
  );
}

const unfit = (path: string, must: string): ChangeNeededError =>
  new ChangeNeededError("SecretUnfit", `Cannot use client secret ${quotedPath(path)}: ${must}`);
