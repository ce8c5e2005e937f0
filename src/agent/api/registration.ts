import { isDeepStrictEqual } from "node:util";
import { isAbsolute, normalize } from "node:path";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import type { IdentitySpec, SourceSpec, TokenEndpoint } from "../agent-spec.ts";

/**
 * What may be registered at run time. An agent reads the files that an identity names and shows what it finds there to an issuer, and it writes where the
 * identity says: as its own user, whoever asks. So whoever registers names files below one directory, and an issuer of the file.
 */
export interface Registration {
  /** The identity of a JSON value in the form of the file. @throws ChangeNeededError naming what is wrong */
  readonly read: (name: string, value: unknown) => IdentitySpec;
  /** Issuers that the file names. */
  readonly issuers: () => readonly TokenEndpoint[];
  /** Absolute: all files of a registered identity lie below it. */
  readonly directory: string;
}

/** @throws ChangeNeededError `RegistrationRefused`: it is sound, and more than may be registered */
export function checkRegistration(spec: IdentitySpec, { issuers, directory }: Omit<Registration, "read">): void {
  const { source, sinks, notify } = spec;
  const outside = [sourcePath(source), ...sinks.map(({ path }) => path)].find((path) => !liesBelow(path, directory));
  if (outside !== undefined) throw refused(`${quotedPath(outside)} must lie below ${quotedPath(directory)}`);
  if (source.kind !== "mintSocket" && !issuers().some((one) => isDeepStrictEqual(one, source.issuer))) {
    throw refused("its issuer must be one of the file, with the same CA file");
  }
  if (notify) throw refused("what is to be notified must stand in the file");
}

const sourcePath = (source: SourceSpec): string => (source.kind === "clientSecret" ? source.secretFile : source.path);

/** By its text: who may make links there can lead the agent elsewhere, so the directory is for whom it trusts. */
const liesBelow = (path: string, directory: string): boolean =>
  isAbsolute(path) && normalize(path) === path && path.startsWith(`${directory}/`) && !path.endsWith("/");

const refused = (must: string): ChangeNeededError =>
  new ChangeNeededError("RegistrationRefused", `Cannot register the identity: ${must}`);
