import type { Endpoint } from "../../kube/endpoint.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { Transport } from "../../kube/transport.ts";
import { claimAt, claimPathOf } from "../config/claims.ts";
import type { Trust } from "../config/token-issuer.ts";
import type { Clock } from "../../time/clock.ts";
import type { Failed } from "./read-foreign.ts";
import { failed } from "./read-foreign.ts";
import type { SmallFiles } from "../../files/small-files.ts";
import { Turns } from "./turns.ts";
import { type Members, isObject, itemsOf, membersOf } from "../../parse/object.ts";
import { rereadMs } from "../../kube/in-cluster.ts";

export interface ReviewOptions {
  readonly transport: Pick<Transport, "call">;
  readonly audiences: readonly string[];
  /** Hears of each review that could not be made, by a code: the API server's words may quote the token. */
  readonly tell: (code: string) => void;
}

/** What is under way at once, and what waits: a flood of made-up tokens must not become one of reviews. */
const bounds = { atOnce: 16, waiting: 256 };

const path = "/apis/authentication.k8s.io/v1/tokenreviews";
const extra = "authentication.kubernetes.io/";

/** Asks the API server about tokens of ServiceAccounts: it also knows of pods that are gone. */
export class TokenReviews {
  readonly #options: ReviewOptions;
  readonly #turns = new Turns(bounds);

  constructor(options: ReviewOptions) {
    this.#options = options;
  }

  /** Why the token is refused; undefined when the API server knows it, for one of the audiences, and by the same names as its claims. */
  async flawOf(token: string, claims: Members): Promise<Failed | undefined> {
    const flaw = await this.#turns.take(() => this.#review(token, claims));
    return flaw === undefined ? failed("keys", "must be asked again later: too many ask at once") : flaw || undefined;
  }

  /** False: none. */
  async #review(token: string, claims: Members): Promise<Failed | false> {
    const { transport, audiences, tell } = this.#options;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences } };
    try {
      const answer = await transport.call({
        method: "POST",
        path,
        what: "review a token",
        body,
        timeoutMs: 5000,
        totalMs: 5000,
      });
      return this.#judge(answer.body, claims);
    } catch (error) {
      tell(error instanceof KubeError ? error.code : "Failed");
      return failed("keys", "must be asked again later: the API server could not be asked");
    }
  }

  #judge(answer: unknown, claims: Members): Failed | false {
    const status = membersOf(answer)["status"];
    const no = failed("review", "must be a token that the API server knows");
    if (!isObject(status) || status["authenticated"] !== true || !isObject(status["user"])) return no;
    const { audiences = [], user } = status;
    // A server that knows no audiences says none
    if (!itemsOf(audiences).some((one) => typeof one === "string" && this.#options.audiences.includes(one))) return no;
    return user["username"] === claims["sub"] && hasSamePod(user["extra"], claims) ? false : no;
  }
}

/** The bound pod that the server names is the one of the claims, which rules and templates then use. */
function hasSamePod(extras: unknown, claims: Members): boolean {
  return (["name", "uid"] as const).every((what) => {
    const values = membersOf(extras)[`${extra}pod-${what}`];
    const said: unknown = Array.isArray(values) ? values[0] : undefined;
    const pointer = claimPathOf(`/kubernetes.io/pod/${what}`);
    return said === undefined || (pointer !== undefined && said === claimAt(claims, pointer));
  });
}

/** An API server that is named in the file, with the files for it; both are read again every minute, and after a 401. */
export function endpointOf(
  { caFile, bearerTokenFile }: Pick<Trust, "caFile" | "bearerTokenFile">,
  server: URL,
  { files, clock }: { readonly files: SmallFiles; readonly clock: Pick<Clock, "monotonicMs"> },
): Endpoint {
  let known: ReturnType<Endpoint["credentials"]> | undefined;
  let readAtMs = 0;
  const read = async (): ReturnType<Endpoint["credentials"]> => ({
    tls: { ...(caFile !== undefined && { ca: await files.read(caFile) }) },
    ...(bearerTokenFile !== undefined && { token: await files.readLine(bearerTokenFile) }),
  });
  return {
    server: server.href.replace(/\/$/, ""),
    credentials: () => {
      if (known === undefined || clock.monotonicMs() - readAtMs >= rereadMs) {
        readAtMs = clock.monotonicMs();
        known = read();
        known.catch(() => (known = undefined));
      }
      return known;
    },
    refresh: () => (known = undefined),
  };
}
