/** What the codes of the system say of files: no code of a library stands in an error that a person reads. */
const fileWords: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "there is no space left on the disk"],
  ["EDQUOT", "the disk quota is used up"],
  ["EIO", "the disk has a fault"],
  ["EMFILE", "too many files are open"],
  ["ENFILE", "too many files are open on this machine"],
  ["ENOMEM", "there is no memory left"],
  ["EAGAIN", "it is busy"],
  ["EBUSY", "it is busy"],
  ["EINTR", "it was interrupted"],
  ["ESTALE", "the file server has changed"],
  ["ETIMEDOUT", "the file server does not answer"],
  ["ENOENT", "it is not there, or no longer"],
  ["EEXIST", "it is there already"],
  ["ENOTEMPTY", "something was written there just now"],
  ["EACCES", "permission is denied"],
  ["EPERM", "the operation is not permitted"],
  ["EROFS", "the file system is read-only"],
  ["ENOTDIR", "a part of the path is no directory"],
  ["EISDIR", "it is a directory"],
  ["ELOOP", "a part of the path is a symbolic link"],
  ["ENAMETOOLONG", "the path is too long"],
  ["EOPNOTSUPP", "the file system can't do that"],
  ["ENOTSUP", "the file system can't do that"],
  ["EXDEV", "the file system can't do that"],
  ["EMLINK", "the file system can't do that"],
  ["ENXIO", "it is no regular file"],
  ["ETXTBSY", "a program runs from it"],
]);

/** And of connections: those of the system, of the resolver, of TLS, of Node.js. */
const connectionCodes: ReadonlyMap<string, string> = new Map([
  ["ECONNRESET", "the other side closed it"],
  ["ECONNABORTED", "it was closed"],
  ["EPIPE", "the other side closed it"],
  ["ETIMEDOUT", "nothing answers there"],
  ["EHOSTUNREACH", "there is no way to that host"],
  ["EHOSTDOWN", "that host is down"],
  ["ENETUNREACH", "there is no way to that network"],
  ["ENETDOWN", "the network is down"],
  ["EADDRINUSE", "something else listens there"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["EAFNOSUPPORT", "this machine has no addresses of that kind"],
  ["EACCES", "permission is denied"],
  ["EPERM", "the operation is not permitted"],
  ["EMFILE", "too many files are open"],
  ["ENFILE", "too many files are open on this machine"],
  ["ENOENT", "nothing is there"],
  ["ENOTDIR", "a part of the path is no directory"],
  ["ENOTSOCK", "it is no socket"],
  ["ENAMETOOLONG", "the path is too long for a socket"],
  ["EINVAL", "the path is too long for a socket, or the address is none"],
  ["EROFS", "the file system is read-only"],
  ["EPROTO", "it speaks no TLS, or another TLS"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet: is a clock wrong?"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is signed by itself, and by nobody who is trusted"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate comes from a CA that is not trusted"],
  ["UNABLE_TO_GET_ISSUER_CERT", "its certificate comes from a CA that is not trusted"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its certificate comes from a CA that is not trusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate comes from a CA that is not trusted"],
  ["CERT_SIGNATURE_FAILURE", "its certificate comes from a CA that is not trusted"],
  ["CERT_REVOKED", "its certificate is revoked"],
  ["INVALID_PURPOSE", "its certificate is not one for a server"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "it speaks no TLS"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "it speaks no TLS"],
]);

/** What fails in a family of codes that nobody knows one by one. */
const families: readonly (readonly [start: string, words: string])[] = [
  ["HPE_", "what answers there speaks no HTTP"],
  ["ERR_SSL_TLSV1", "it refuses this side's certificate, or the version of TLS"],
  ["ERR_SSL_SSLV3", "it refuses this side's certificate, or the version of TLS"],
  ["ERR_SSL_", "TLS can't be agreed on"],
  ["ERR_OSSL_", "the certificate, or its key, can't be read"],
];

/** The code of an error of Node.js, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const codeOf = (error: unknown): string => memberOf(error, "code") ?? "";

/** Why a file can't be used; undefined where no system says it. */
export const fileProblem = (error: unknown): string | undefined => fileWords.get(codeOf(error));

/** Why there is no connection, or it broke. Never with a part of what was sent or answered. */
export function connectionProblem(error: unknown): string {
  // Of several addresses that were tried, the last one
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : undefined;
  if (last !== undefined) return connectionProblem(last);
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return `nothing listens on ${addressOf(error) ?? "that address"}`;
  if (code === "ENOTFOUND" || code === "ENODATA") return `no address is known for ${nameOf(error)}`;
  if (code.startsWith("EAI_")) return `the address of ${nameOf(error)} can't be looked up now`;
  const words = connectionCodes.get(code) ?? families.find(([start]) => code.startsWith(start))?.[1];
  if (words !== undefined) return words;
  const message = error instanceof Error ? error.message : "";
  const [, proxied] = /^Bad response: (\d{3})$/.exec(message) ?? [];
  if (proxied !== undefined) return `the proxy answers ${proxied}`;
  return message === "" || code !== "" ? "it failed" : message;
}

const nameOf = (error: unknown): string => {
  const name = memberOf(error, "hostname");
  return name === undefined ? "that name" : JSON.stringify(name);
};

function addressOf(error: unknown): string | undefined {
  const [address, port] = [memberOf(error, "address"), memberOf(error, "port")];
  if (address === undefined) return undefined;
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function memberOf(error: unknown, name: string): string | undefined {
  if (typeof error !== "object" || error === null || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
