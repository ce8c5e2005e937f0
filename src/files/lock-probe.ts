import { errnoOf } from "../errors/errno-words.ts";
import { connect } from "node:net";
import { jsonIn } from "../parse/json.ts";
import { membersOf } from "../parse/object.ts";

/** Who has the lock, or tries to get it; without a pid when it does not say. */
export interface Holder {
  readonly pid?: number;
  readonly host?: string;
  /** RFC 3339. */
  readonly since?: string;
  readonly state: "trying" | "holding";
  /** Why it said nothing; absent where it did. */
  readonly silence?: "timeout" | "refused";
}

/** A process that was stopped (SIGSTOP) still has its socket, and its lock. */
const answerWithinMs = 2000;
const longestAnswer = 4096;

/**
 * Asks the process behind a socket who it is. `dead` only when nobody can ever listen there again: the kernel refuses,
 * or the socket is gone. Whoever is silent counts as a holder.
 */
export function askHolder(path: string): Promise<Holder | "dead"> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(path);
    const finish = (answer: Holder | "dead"): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(answerWithinMs, () => finish({ state: "holding", silence: "timeout" }));
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > longestAnswer) finish({ state: "holding" });
    });
    socket.on("end", () => finish(holderIn(text)));
    socket.on("error", (error) => {
      finish(
        ["ECONNREFUSED", "ENOENT"].includes(errnoOf(error) ?? "") ? "dead" : { state: "holding", silence: "refused" },
      );
    });
  });
}

function holderIn(text: string): Holder {
  const { pid, host, since, state } = membersOf(jsonIn(text));
  return {
    ...(typeof pid === "number" && { pid }),
    ...(typeof host === "string" && { host }),
    ...(typeof since === "string" && { since }),
    state: state === "trying" ? "trying" : "holding",
  };
}
