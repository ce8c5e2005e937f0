import type { Log } from "../telemetry/log.ts";
import type { SessionObserver } from "./session-observer.ts";

/** Writes down how sessions begin and end, each by its id and a code, and passes all on. Who has them stands nowhere. */
export const withSessionLog = (log: Log, next: SessionObserver): SessionObserver => ({
  opened: (session, how) => {
    log.debug({ session, how }, "session opened");
    next.opened(session, how);
  },
  takenOver: (from, how) => next.takenOver(from, how),
  moved: () => next.moved(),
  renewed: () => next.renewed(),
  ended: (ended) => {
    const { sessionId: session, code, pastExpiryMs } = ended;
    log.debug({ session, code, pastExpiryMs }, "session ended");
    next.ended(ended);
  },
  refused: (code) => {
    log.debug({ code }, "session refused");
    next.refused(code);
  },
  delivered: () => next.delivered(),
  redelivered: () => next.redelivered(),
  answered: (outcome) => next.answered(outcome),
});
