import { Buffer } from "node:buffer";
import type { FastifyRequest } from "fastify";
import type { Caller, RefusedCaller } from "../callers/caller.ts";
import type { ShownSecret } from "../callers/callers.ts";
import { type Denial, denialOf } from "../tokens/denial.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { ownBearerOf } from "../tokens/own-bearer.ts";
import type { TokenPair } from "../tokens/token-pair.ts";
import { saysItIsOurs } from "../tokens/what-it-says.ts";
import type { Asker } from "../tokens/ownership.ts";
import { type AnswerError, badRequest, errorOfDenial, forbidden, unauthorized } from "./api-error.ts";
import type { Rates } from "./rates.ts";

/** What stands in the one Authorization header. */
type Credentials = { readonly scheme: "basic" | "bearer"; readonly value: string };

/** Undefined: no Authorization header. From the raw headers, since Node drops every one after the first. */
export function credentialsOf({ raw: { rawHeaders } }: FastifyRequest): Credentials | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "authorization");
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) throw badRequest("CredentialsRepeated", "Must have one Authorization header");
  const [, scheme = "", rest = ""] = /^(basic|bearer) +([^\s,]+)$/i.exec(value) ?? [];
  const name = scheme.toLowerCase();
  if (name === "basic" || name === "bearer") return { scheme: name, value: rest };
  throw unauthorized("SchemeUnknown", "Must be Basic or Bearer, and one token");
}

/** Name and secret, each as a form has it (RFC 6749 §2.3.1). */
export function secretIn(basic: string): ShownSecret {
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  try {
    if (colon > 0) return { id: formText(text.slice(0, colon)), secret: formText(text.slice(colon + 1)) };
  } catch {
    // A percent sign that stands for nothing
  }
  throw unauthorized("client", "Must be the client's id and secret", { "www-authenticate": 'Basic realm="keyturn"' });
}

const formText = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));

/** Who asks: each way to prove it, within the rates. */
export class WhoAsks {
  readonly #parts: IssuerParts;
  readonly #rates: Rates;

  constructor(parts: IssuerParts, rates: Rates) {
    this.#parts = parts;
    this.#rates = rates;
  }

  /** A client by its secret. */
  client(request: FastifyRequest, shown: ShownSecret): Promise<Caller> {
    return this.#proven(request, () => this.#parts.callers.authenticate(shown));
  }

  /** Somebody by a token of another issuer. */
  foreign(request: FastifyRequest, token: string): Promise<Caller> {
    return this.#proven(request, () => this.#parts.callers.verify(token));
  }

  /** Whoever the Authorization header says: a client, or somebody by a token of another issuer. */
  async caller(request: FastifyRequest): Promise<Caller> {
    const credentials = credentialsOf(request);
    if (credentials === undefined) throw credentialsMissing();
    const { scheme, value } = credentials;
    return scheme === "basic" ? this.client(request, secretIn(value)) : this.foreign(request, value);
  }

  /** As {@link caller}: somebody who may follow what is revoked. */
  async watcher(request: FastifyRequest): Promise<Caller> {
    const caller = await this.caller(request);
    if (caller.allowed.watchRevocations) return caller;
    throw forbidden("right-missing", "Must be allowed watchRevocations in the TokenIssuer");
  }

  /** A caller who may ask for tokens, or whoever shows one of ours that is for the issuer. */
  async asker(request: FastifyRequest): Promise<Asker> {
    const credentials = credentialsOf(request);
    if (credentials?.scheme !== "bearer" || !saysItIsOurs(this.#parts, credentials.value)) return this.caller(request);
    const bearer = await ownBearerOf(this.#parts, credentials.value);
    if (bearer.kind === "denied") throw errorOfDenial(bearer);
    return bearer;
  }

  /**
   * Somebody who proves himself beside his refresh token. A bad proof is `invalid_client` (RFC 7521 §4.2.1): `invalid_grant` would say
   * that the refresh token is to be dropped.
   */
  proof(request: FastifyRequest, token: string): Promise<Caller> {
    return this.#proven(request, () => this.#parts.callers.verify(token), "invalid_client");
  }

  /** What a token gets that is its own proof; one that gets nothing counts as credentials that were no good. @throws AnswerError */
  async byItself(request: FastifyRequest, get: () => Promise<TokenPair | Denial>): Promise<TokenPair> {
    await this.#rates.beforeProof(request);
    const pair = await get();
    if (pair.kind === "pair") return pair;
    await this.#rates.failed(request);
    throw errorOfDenial(pair);
  }

  async #proven(
    request: FastifyRequest,
    prove: () => Promise<Caller | RefusedCaller>,
    insteadOfGrant: "invalid_grant" | "invalid_client" = "invalid_grant",
  ): Promise<Caller> {
    await this.#rates.beforeProof(request);
    const caller = await prove();
    if (caller.kind !== "refused") {
      await this.#rates.proven(request, caller);
      return caller;
    }
    // What can't be asked now says nothing of him
    if (caller.error !== "temporarily_unavailable") await this.#rates.failed(request);
    const denial = denialOf(caller);
    throw errorOfDenial(denial.error === "invalid_grant" ? { ...denial, error: insteadOfGrant } : denial);
  }
}

export const credentialsMissing = (): AnswerError =>
  unauthorized("CredentialsMissing", "Must have an Authorization header");
