/** This machine alone hears it: the one place that may be spoken to in clear. */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);

/** May anything be asked for there? What is wrong if not. */
export function addressFlaw({ protocol, username, password, hash }: URL): string | undefined {
  if (protocol !== "https:" && protocol !== "http:") return "must be a URL of https";
  if (username !== "" || password !== "") return "must be a URL without a user and password";
  return hash === "" ? undefined : "must be a URL without a fragment";
}

/** As {@link addressFlaw}, where the address is the user's own: over plain http anybody on the way could answer in its place, and hear a secret. */
export const ownAddressFlaw = (url: URL): string | undefined =>
  addressFlaw(url) ??
  (url.protocol === "https:" || isLoopback(url) ? undefined : "must be a URL of https, except on this machine");
