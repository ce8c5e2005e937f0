import type { JSONWebKeySet } from "jose";
import { publicKeyFlaw } from "../config/read-key-source.ts";
import type { KeySource, Trust } from "../config/token-issuer.ts";
import { addressFlaw, isLoopback } from "../../http/remote-address.ts";
import { fetchDocument, type FetchOptions, SourceError } from "./fetch-document.ts";
import type { SmallFiles } from "../../files/small-files.ts";

export type RemoteSource = Extract<KeySource, { kind: "discovery" | "jwksURL" }>;
type Reach = Pick<FetchOptions, "clock" | "signal" | "timeoutMs">;

/** More keys than that nobody has, and each of them may have to be imported. */
const mostKeys = 100;

/** The public keys of an issuer, as its source has them now. @throws SourceError */
export async function loadKeys(
  { issuer, caFile, bearerTokenFile }: Trust,
  source: RemoteSource,
  { files, reach }: { readonly files: SmallFiles; readonly reach: Reach },
): Promise<JSONWebKeySet> {
  const ca = caFile === undefined ? undefined : await files.read(caFile);
  const bearer = bearerTokenFile === undefined ? undefined : await files.readLine(bearerTokenFile);
  const trusted = { ...reach, ...(ca !== undefined && { ca }) };
  const own = { ...trusted, ...(bearer !== undefined && { bearer }) };
  if (source.kind === "jwksURL") return usable(await fetchDocument(source.url, own));
  const described = await fetchDocument(source.url, own);
  // OpenID Connect Discovery 1.0 §4.3, RFC 8414 §3.3
  if (described["issuer"] !== issuer) throw new SourceError("the description must name the issuer that is trusted");
  const url = jwksAddress(described["jwks_uri"], source.url);
  // The bearer token is for whom the file names, and nobody whom that one names
  return usable(await fetchDocument(url, url.origin === source.url.origin ? own : trusted));
}

/** Where the keys are, by a description that came from elsewhere. @throws SourceError */
export function jwksAddress(text: unknown, from: URL): URL {
  const url = typeof text === "string" ? URL.parse(text) : null;
  if (url === null || addressFlaw(url) !== undefined) throw new SourceError("the description must have a jwks_uri");
  // From outside nobody may point at what listens on this machine
  if (url.protocol === "https:" || (isLoopback(url) && isLoopback(from))) return url;
  throw new SourceError("the description must have a jwks_uri of https");
}

/** What can verify something: others are passed over, as RFC 7517 §5 has it. An empty set is one, too: nothing is good any more. */
export function usable({ keys }: Readonly<Record<string, unknown>>): JSONWebKeySet {
  if (!Array.isArray(keys)) throw new SourceError("the keys must be a JWK Set");
  const all: readonly unknown[] = keys;
  if (all.length > mostKeys) throw new SourceError(`the keys must be at most ${mostKeys}, are ${all.length}`);
  const good = all.filter(isPublicKey);
  if (good.length === 0 && all.length > 0) throw new SourceError("the keys must have one that can verify");
  return { keys: good };
}

const isPublicKey = (value: unknown): value is JSONWebKeySet["keys"][number] =>
  typeof value === "object" &&
  value !== null &&
  !("d" in value) &&
  !("k" in value) &&
  publicKeyFlaw({ ...value }) === undefined;
