// Read by a Node.js that is too old: nothing here may be newer than it, in syntax or in what is imported

/** The oldest Node.js that Keyturn runs on: `engines` of package.json. */
const oldest = { major: 22, minor: 18 };

/** The one line for a Node.js that is too old (`process.versions.node`); undefined where it is not. */
export function complaintAbout(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return undefined;
  return `keyturn: error: Cannot run on Node.js ${version}: must be ${oldest.major}.${oldest.minor} or newer\n`;
}
