import type { ResumePoint } from "../../../src/sessions/core/peer-state.ts";
import type { SessionEnd } from "../../../src/sessions/core/session-end.ts";
import type { ClientFrame, ServerFrame } from "../../../src/sessions/protocol/session-frames.ts";
import type { SessionInput, SessionPipe } from "../../../src/sessions/session-connection.ts";
import type { SessionService } from "../../../src/sessions/session-service.ts";

/** A client without a network: what it is told is there at once. */
export class PipedClient implements SessionPipe {
  readonly heard: ServerFrame[] = [];
  end: SessionEnd | undefined;
  readonly #input: SessionInput;

  constructor(service: Pick<SessionService, "connect">, token: string) {
    this.#input = service.connect(token, this);
  }

  send(frame: ServerFrame): void {
    this.heard.push(frame);
  }

  close(end: SessionEnd): void {
    this.end = end;
  }

  say(frame: ClientFrame | undefined): void {
    this.#input.heard(frame);
  }

  hello(resume?: ResumePoint, instanceId = "one"): this {
    this.say({ kind: "hello", instanceId, ...(resume && { resume }) });
    return this;
  }

  lost(left = false): void {
    this.#input.lost(left);
  }
}
