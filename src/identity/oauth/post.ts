/** A request to somebody who gives out tokens. Secret. */
export interface Posted {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came back. Secret. */
export interface PostAnswer {
  readonly status: number;
  /** Cut after {@link longestAnswer}: what is longer is no answer of whoever gives out tokens, and can't be read. */
  readonly body: string;
  /** Of the header `Retry-After`. */
  readonly retryAfter?: string;
  /** Of the header `Date`. */
  readonly date?: string;
}

/** In bytes, or characters. */
export const longestAnswer = 262_144;

/**
 * Posts over HTTP, once. Follows no redirect: credentials go where the configuration says, or nowhere.
 *
 * @throws PostError where no whole answer came
 */
export type Post = (request: Posted) => Promise<PostAnswer>;

/** No whole answer came. The message fits after an address, `must answer: …`; never with anything of request or answer. */
export class PostError extends Error {
  readonly code: "Timeout" | "Unreachable" | "CaUnreadable";
  /** Something of the request may have arrived. */
  readonly wasSent: boolean;

  constructor(code: PostError["code"], message: string, wasSent: boolean) {
    super(message);
    this.code = code;
    this.wasSent = wasSent;
  }
}
