import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { hasBody, type HeaderList, type HttpExchange } from "../../http/answer.ts";
import { type Problem, sendProblem } from "../../http/problem.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { Clock } from "../../time/clock.ts";
import type { AgentIdentities, AgentIdentity } from "../agent-identities.ts";
import { expects, headersToUpstream } from "./upstream-headers.ts";
import { answerHeaders } from "./hop-headers.ts";
import { passAnswer } from "./pass-answer.ts";
import { passSwitched } from "./pass-switched.ts";
import { type GuardedBy, guarded } from "./proxy-guard.ts";
import type { ProxyLimits } from "./proxy-limits.ts";
import { identityUnknown, tokenProblem, upgradeWithBody, upstreamProblem } from "./proxy-problems.ts";
import { SentBody } from "./sent-body.ts";
import type { Upstream } from "./upstream.ts";
import type { UpstreamReach } from "./upstream-reach.ts";
import { type CallOutcome, called, type Information } from "./upstream-call.ts";

/** What one request through a proxy came to. */
export interface ProxyAnswered {
  readonly status: number;
  /** Why the upstream's answer was not passed on. */
  readonly code?: string;
  /** The upstream refused the token, and what came of that. */
  readonly refusal?: AfterRefusal;
}

/** `repeated` with another token; `unrepeatable`: its body was gone; `noOther`: there was no other token. */
export type AfterRefusal = "repeated" | "unrepeatable" | "noOther";

export interface ForwardParts {
  readonly identities: Pick<AgentIdentities, "find">;
  readonly identity: string;
  readonly upstream: Upstream;
  readonly reach: UpstreamReach;
  readonly guard: GuardedBy;
  readonly limits: ProxyLimits;
  readonly clock: Clock;
  readonly onAnswered: (answered: ProxyAnswered) => void;
}

/** A request for another protocol: its connection, and what came behind it. */
export interface Upgrading {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Whoever waits for a 100 sends the body after a while without one; so do we. */
const continueMs = 1000;

/** One request of the application, from its head to the end of its answer. */
export class Forward {
  readonly #parts: ForwardParts;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upgrading: Upgrading | undefined;
  readonly #headers: HeaderList;
  readonly #body: SentBody;
  #outgoing: ClientRequest | undefined;
  #refusal: AfterRefusal | undefined;

  constructor(parts: ForwardParts, { request, response }: HttpExchange, upgrading?: Upgrading) {
    this.#parts = parts;
    this.#request = request;
    this.#response = response;
    this.#upgrading = upgrading;
    this.#headers = headersToUpstream(request, upgrading !== undefined);
    this.#body = new SentBody(request, parts.limits.repeatedBytes);
    response.on("close", () => {
      if (!response.writableFinished) this.#outgoing?.destroy();
      else if (!this.#body.isSent) this.#leaveBody();
    });
  }

  async run(): Promise<void> {
    const outcome = await this.#outcome();
    if (this.#isGone) this.#leave(outcome);
    else this.#pass(outcome);
  }

  async #outcome(): Promise<ForwardOutcome> {
    const { identities, identity: name, guard, clock } = this.#parts;
    const refusal = guarded(this.#request, guard);
    // Where such a request ends may be in doubt: nothing behind it is read
    if (refusal) this.#response.shouldKeepAlive = false;
    if (refusal) return refused(refusal);
    if (this.#upgrading && hasBody(this.#request)) return refused(upgradeWithBody);
    const identity = identities.find(name);
    if (!identity) return refused(identityUnknown);
    let token: FreshToken;
    try {
      token = await identity.token();
    } catch (error) {
      return refused(tokenProblem(error, identity.status(), clock.nowMs()));
    }
    if (this.#isGone) return gone;
    const outcome = await this.#call(token);
    return isTokenRefused(outcome) ? this.#again(outcome, identity, token) : outcome;
  }

  /** All was answered before it came: the upstream gets no more of it. */
  #leaveBody(): void {
    this.#outgoing?.destroy();
    this.#body.drop();
  }

  get #isGone(): boolean {
    return this.#response.destroyed;
  }

  async #call(token: FreshToken): Promise<CallOutcome> {
    const outcome = await this.#send(token, false);
    if (outcome.kind !== "failed" || !outcome.failure.isReused || outcome.failure.kind !== "broke") return outcome;
    // RFC 9110 §9.2.2: what may be asked twice. The upstream closed the connection while the request was on its way
    if (!idempotent.has(this.#request.method ?? "") || this.#isGone || !(await this.#body.canRepeat())) return outcome;
    return this.#send(token, true);
  }

  async #send({ accessToken }: FreshToken, fresh: boolean): Promise<CallOutcome> {
    const { upstream, reach, clock, limits } = this.#parts;
    const { losses } = reach;
    const { method = "", url = "" } = this.#request;
    const headers = [...this.#headers, "Authorization", `Bearer ${accessToken}`];
    const outgoing = upstream.request({ method, target: url, headers }, fresh);
    this.#outgoing = outgoing;
    const answer = called(outgoing, { clock, limits, onInformation: (one) => this.#inform(one) });
    if (expects(this.#request)) this.#sendWhenContinued(outgoing);
    else this.#body.sendTo(outgoing);
    const outcome = await answer;
    if (!this.#isGone) reach.heard(outcome, losses);
    return outcome;
  }

  #sendWhenContinued(outgoing: ClientRequest): void {
    const begin = (): void => {
      cancel();
      if (outgoing.destroyed || outgoing !== this.#outgoing) return;
      if (this.#request.httpVersion !== "1.0" && !this.#response.headersSent) this.#response.writeContinue();
      this.#body.sendTo(outgoing);
    };
    const cancel = this.#parts.clock.after(continueMs, begin);
    outgoing.once("continue", begin);
    outgoing.once("response", cancel);
    outgoing.once("close", cancel);
  }

  #inform({ statusCode, rawHeaders }: Information): void {
    // 100 is for whoever sends the body; HTTP/1.0 knows none of them
    if (statusCode === 100 || this.#request.httpVersion === "1.0" || this.#response.headersSent) return;
    this.#response.writeInformation(statusCode, answerHeaders(rawHeaders, undefined));
  }

  /** Once more with another token, once: if there is one, and if the body can go once more. */
  async #again(first: AnsweredCall, identity: AgentIdentity, { tokenId }: FreshToken): Promise<CallOutcome> {
    const call = this.#outgoing;
    // For the next request too, also where this one can't be repeated
    const other = identity.refused(tokenId).catch(() => undefined);
    if (!(await this.#body.canRepeat())) {
      this.#refusal = "unrepeatable";
      return first;
    }
    const token = await other;
    this.#refusal = token === undefined ? "noOther" : "repeated";
    if (token === undefined || this.#isGone) return first;
    // A short answer is read to its end, and its connection used again
    const length = Number(first.message.headers["content-length"] ?? Infinity);
    if (call?.writableFinished === true && length <= 65_536) first.message.resume();
    else call?.destroy();
    return this.#call(token);
  }

  /** Nobody is there any more. */
  #leave(outcome: ForwardOutcome): void {
    if (outcome.kind === "switched") outcome.socket.destroy();
    else this.#outgoing?.destroy();
  }

  #pass(outcome: ForwardOutcome): void {
    const { upstream } = this.#parts;
    switch (outcome.kind) {
      case "refused":
        this.#refuse(outcome.problem);
        break;
      case "failed":
        this.#refuse(upstreamProblem(outcome.failure));
        break;
      case "switched":
        this.#switch(outcome);
        break;
      case "gone":
        break;
      case "answered":
        passAnswer(outcome.message, this.#response, (value) => upstream.location(value));
        this.#answered(outcome.message.statusCode ?? 0);
        break;
      default:
        outcome satisfies never;
    }
  }

  #switch({ message, socket, head }: Extract<CallOutcome, { kind: "switched" }>): void {
    if (!this.#upgrading) {
      socket.destroy();
      this.#refuse(
        upstreamProblem({ kind: "broke", why: "it switched protocols unasked", wasConnected: true, isReused: false }),
      );
      return;
    }
    const { socket: application, head: fromApplication } = this.#upgrading;
    if (application instanceof Socket) this.#response.detachSocket(application);
    passSwitched({ message, application, fromApplication, upstream: socket, fromUpstream: head });
    this.#answered(101);
  }

  #refuse(problem: Problem): void {
    this.#body.drop();
    this.#answered(problem.status, problem.code);
    if (!this.#response.headersSent) sendProblem(this.#response, problem);
    else this.#response.destroy();
  }

  #answered(status: number, code?: string): void {
    this.#parts.onAnswered({
      status,
      ...(code !== undefined && { code }),
      ...(this.#refusal !== undefined && { refusal: this.#refusal }),
    });
  }
}

type AnsweredCall = Extract<CallOutcome, { kind: "answered" }>;
type ForwardOutcome =
  | CallOutcome
  | { readonly kind: "refused"; readonly problem: Problem }
  /** The application went away before the upstream was asked. */
  | { readonly kind: "gone" };

const gone: ForwardOutcome = { kind: "gone" };

const refused = (problem: Problem): ForwardOutcome => ({ kind: "refused", problem });

/** 401, and another token could help: it names no reason that has nothing to do with the token's life (RFC 6750 §3.1). */
function isTokenRefused(outcome: CallOutcome): outcome is AnsweredCall {
  if (outcome.kind !== "answered" || outcome.message.statusCode !== 401) return false;
  const challenge = outcome.message.headers["www-authenticate"];
  if (challenge === undefined) return true;
  const [, error] = /\berror\s*=\s*"?(\w+)/i.exec(challenge) ?? [];
  return /(?:^|,)\s*bearer\b/i.test(challenge) && (error === undefined || error === "invalid_token");
}

const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
