import { isAbsolute, normalize } from "node:path";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import type { IdentitySpec, SourceSpec } from "../agent-spec.ts";

/**
 * What may be registered at run time. An agent reads the files that an identity names, shows what it finds there to an issuer, and writes where the
 * identity says: as its own user, whoever asks. So whoever registers names files below one directory.
 */
export interface Registration {
  /**
   * The identity of a JSON value in the form of the file, of an issuer that the file names, and with nothing that is run.
   *
   * @throws ChangeNeededError naming what is wrong
   */
  readonly read: (name: string, value: unknown) => IdentitySpec;
  /** Absolute: all files of a registered identity lie below it. */
  readonly directory: string;
}

/** @throws ChangeNeededError `RegistrationRefused`: a file lies elsewhere */
export function checkRegistration({ source, sinks }: IdentitySpec, directory: string): void {
  const outside = [sourcePath(source), ...sinks.map(({ path }) => path)].find((path) => !liesBelow(path, directory));
  if (outside === undefined) return;
  const must = `${quotedPath(outside)} must lie below ${quotedPath(directory)}`;
  throw new ChangeNeededError("RegistrationRefused", `Cannot register the identity: ${must}`);
}

const sourcePath = (source: SourceSpec): string => (source.kind === "clientSecret" ? source.secretFile : source.path);

/** By its text: who may make links there can lead the agent elsewhere, so the directory is for whom it trusts. */
const liesBelow = (path: string, directory: string): boolean =>
  isAbsolute(path) && normalize(path) === path && path.startsWith(`${directory}/`) && !path.endsWith("/");
