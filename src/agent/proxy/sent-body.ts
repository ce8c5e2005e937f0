import type { ClientRequest, IncomingMessage } from "node:http";
import { hasBody } from "../../http/answer.ts";
import { trailersOf } from "./hop-headers.ts";

/**
 * The body of an application's request on its way to the upstream: streamed as it comes, and a copy of what is small, so that it can go once
 * more.
 */
export class SentBody {
  readonly isThere: boolean;
  readonly #request: IncomingMessage;
  readonly #mostBytes: number;
  /** All that came; undefined when that is too much to keep. */
  #copy: Buffer[] | undefined = [];
  #bytes = 0;
  #isWhole = false;
  #isBegun = false;
  #to: ClientRequest | undefined;
  #whole = Promise.withResolvers<undefined>();

  /** @param mostBytes - So much is kept at most */
  constructor(request: IncomingMessage, mostBytes: number) {
    this.#request = request;
    this.#mostBytes = mostBytes;
    this.isThere = hasBody(request);
    if (Number(request.headers["content-length"] ?? 0) > mostBytes) this.#copy = undefined;
  }

  /** All of it has come, and was sent. */
  get isSent(): boolean {
    return this.#isWhole || !this.isThere;
  }

  /** All of it, from its beginning, and then its trailers. */
  sendTo(to: ClientRequest): void {
    if (!this.isThere) {
      to.end();
      return;
    }
    this.#to = to;
    to.on("drain", () => this.#request.resume());
    for (const chunk of this.#copy ?? []) to.write(chunk);
    if (this.#isWhole) this.#end();
    else if (this.#isBegun) this.#request.resume();
    else this.#begin();
  }

  /** Can it go once more? What is announced as small is waited for; of what has no end that is known only what is there counts. */
  async canRepeat(): Promise<boolean> {
    if (!this.isThere || !this.#isBegun) return true;
    if (this.#copy === undefined) return false;
    if (this.#request.headers["content-length"] === undefined) return this.#isWhole;
    this.#to = undefined;
    this.#request.resume();
    await this.#whole.promise;
    return this.#isWhole;
  }

  /** Nobody wants the rest: it is read all the same, since the next request comes behind it. */
  drop(): void {
    this.#to = undefined;
    this.#copy = undefined;
    if (this.isThere) this.#request.resume();
  }

  #begin(): void {
    this.#isBegun = true;
    this.#request.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#request.on("end", () => {
      this.#isWhole = true;
      this.#whole.resolve(undefined);
      this.#end();
    });
    this.#request.on("close", () => this.#whole.resolve(undefined));
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#mostBytes) this.#copy = undefined;
    this.#copy?.push(chunk);
    if (this.#to?.write(chunk) === false) this.#request.pause();
  }

  #end(): void {
    const to = this.#to;
    if (to === undefined) return;
    const trailers = trailersOf(this.#request);
    if (trailers.length > 0) to.addTrailers(trailers);
    to.end();
  }
}
