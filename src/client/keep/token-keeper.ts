import { keepIdentity } from "../../identity/keep-identity.ts";
import type { FreshToken, KeptIdentity } from "../../identity/kept-identity.ts";
import { type FirstCredential, oauthIssuer } from "../../identity/oauth/oauth-issuer.ts";
import { backgroundClock, type Clock } from "../../time/clock.ts";
import { authorizedFetch } from "./authorized-fetch.ts";
import { fetchPost } from "./fetch-post.ts";
import { type GrpcLibrary, type GrpcMetadata, grpcCredentials } from "./grpc-credentials.ts";

/** Whose token is kept, and where it comes from. */
export interface TokenSource {
  /** The issuer's token endpoint (RFC 6749 §3.2). */
  readonly tokenURL: string | URL;
  /** What proves the identity; as a function it is asked anew for each request, so that a file may change. */
  readonly credential: FirstCredential | (() => Promise<FirstCredential>);
  /** What is asked for. @default what the issuer gives by itself */
  readonly audiences?: readonly string[];
  /** @default what the issuer gives by itself */
  readonly scopes?: readonly string[];
  /** How long access tokens are to live, in seconds; the issuer may cut it. @default what the issuer gives by itself */
  readonly expiresInSeconds?: number;
  /** How long it may go without a renewal, in seconds; the issuer may cut it. @default what the issuer gives by itself, 24 h */
  readonly refreshTtlSeconds?: number;
  /** `always`: renewed by the timer. `onUse`: when somebody asks for it. @default always */
  readonly keep?: "always" | "onUse";
  /** Asks the issuer. @default the global one */
  readonly fetch?: typeof fetch;
}

/** Keeps one token fresh in this process. Its timers keep no process alive. */
export class TokenKeeper {
  readonly #identity: Promise<KeptIdentity>;

  /** @internal */
  protected get clock(): Clock {
    return backgroundClock;
  }

  /** Asks for the first token at once. @throws TypeError when the URL is none */
  constructor({ tokenURL, credential, keep = "always", fetch: using = fetch, ...terms }: TokenSource) {
    const issuer = oauthIssuer({
      ...terms,
      tokenUrl: new URL(tokenURL),
      post: fetchPost(using, this.clock),
      credential: typeof credential === "function" ? credential : () => Promise.resolve(credential),
      clock: this.clock,
    });
    this.#identity = keepIdentity({ issuer, keep, startWithout: true, clock: this.clock });
    // Who asks for the token hears of it
    this.#identity.catch(() => undefined);
  }

  /**
   * The access token, good for a while: one that is about to end is renewed first, and waited for.
   *
   * @throws TryLaterError while the issuer is away and there is no token; ChangeNeededError when it says no, or after {@link close}
   */
  async get(): Promise<string> {
    return (await this.#fresh()).accessToken;
  }

  /**
   * Somebody has refused this token, or wants one that lives longer: another one, after one renewal at most; undefined where there is none now.
   *
   * @throws as {@link get}
   */
  async refused(accessToken: string): Promise<string | undefined> {
    const newest = await this.#fresh();
    if (newest.accessToken !== accessToken) return newest.accessToken;
    return (await this.#refused(newest.tokenId))?.accessToken;
  }

  /**
   * The same fetch, with the token in `Authorization`. After a 401 the token is renewed once, and the request repeated once, unless its body
   * was a stream. Give it only addresses that may see the token.
   *
   * @param using - @default the global one
   */
  authorized(using: typeof fetch = fetch): typeof fetch {
    return authorizedFetch({ token: this.#fresh, refused: this.#refused }, using);
  }

  /** Call credentials of `@grpc/grpc-js`, which is given as it was imported: each call gets the newest token. */
  grpcCredentials<Metadata extends GrpcMetadata, Credentials>(grpc: GrpcLibrary<Metadata, Credentials>): Credentials {
    return grpcCredentials(() => this.get(), grpc);
  }

  /** Ends the timer; what is under way is finished. */
  async close(): Promise<void> {
    await (await this.#identity).close();
  }

  readonly #fresh = async (): Promise<FreshToken> => (await this.#identity).token();
  readonly #refused = async (tokenId: string): Promise<FreshToken | undefined> =>
    (await this.#identity).refused(tokenId);
}
