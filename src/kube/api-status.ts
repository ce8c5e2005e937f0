import type { IncomingHttpHeaders } from "node:http";
import { ApiError, type Cause } from "./kube-errors.ts";
import { describeRefuser, refuserIn } from "./refuser.ts";
import { isObject, membersOf, objectsIn } from "../parse/object.ts";

/** The refusals of an API server whose words repeat nothing of what was sent. */
const quotesNothing = [
  /^\S+ "[^"]*" (not found|already exists)$/,
  /^Operation cannot be fulfilled on \S+ "[^"]*": (the object has been modified|StorageError|Precondition failed)/,
  /^\S+ "[^"]*" is forbidden: User "[^"]*" cannot [a-z]+ resource "[a-z/]*" in API group "[^"]*"/,
  /^\S+ "[^"]*" is forbidden: unable to create new content in namespace \S+ because it is being terminated$/,
  /^\S+ "[^"]*" is forbidden: exceeded quota: [-a-z0-9.]+(, (requested|used|limited): [a-z0-9./=,]+)+$/,
  /^(Unauthorized|the server was unable to return a response in the time allotted|too many requests|Too many requests)/,
];

/** No message needs more; a server may put a whole object into one. */
const longestMessage = 1000;

export interface ApiRefusal {
  /** What was tried: `update secrets "team/gateway"`. */
  readonly what: string;
  /** True where the request or its object may hold a secret, which the server then may quote. */
  readonly secret: boolean;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** The one place where an answer becomes an {@link ApiError}. */
export function apiError({ what, secret, status, headers, body }: ApiRefusal, nowMs: number): ApiError {
  const answer = isObject(body) && body["kind"] === "Status" ? body : {};
  const details = membersOf(answer["details"]);
  const reason = text(answer["reason"]) ?? "";
  const causes = causesOf(details["causes"], secret);
  const retryAfterMs = retryAfter(headers["retry-after"], nowMs) ?? seconds(details["retryAfterSeconds"]);
  const objectName = text(details["name"]);
  const said = text(answer["message"]) ?? "";
  const refuser = refuserIn(said);
  const isShown = !secret || quotesNothing.some((pattern) => pattern.test(said));
  const own = [
    ...[refuser && describeRefuser(refuser)].filter((one) => one !== undefined),
    ...causes.map(({ field, reason: why }) => (why === "" ? field : `${field} (${why})`)),
    ...(status === 404 && objectName === undefined ? [notServed] : []),
  ];
  const problem = (isShown ? said.slice(0, longestMessage) : "") || own.join(", ") || "the API server refused";
  return new ApiError(
    {
      action: what,
      status,
      reason,
      causes,
      ...(refuser && { refuser }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(objectName !== undefined && { objectName }),
    },
    `Cannot ${what}: ${problem} (${[status, reason].filter((part) => part !== "").join(" ")})`,
  );
}

/** What the server itself says of it is `404 page not found`, or that it could not find the requested resource. */
const notServed = "no such resource is served here: is its definition installed?";

/** The error of a watch's ERROR event, whose object is a Status. */
export function eventError(what: string, object: unknown, secret: boolean): ApiError {
  const code = membersOf(object)["code"];
  const status = typeof code === "number" ? code : 500;
  return apiError({ what, secret, status, headers: {}, body: object }, 0);
}

/** Milliseconds from a `Retry-After` of seconds or of a date (RFC 9110 §10.2.3); undefined when there is none. */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function seconds(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 ? value * 1000 : undefined;
}

function causesOf(causes: unknown, secret: boolean): Cause[] {
  return objectsIn(causes).flatMap((cause) => {
    const field = text(cause["field"]);
    if (field === undefined) return [];
    const message = secret ? undefined : text(cause["message"]);
    return [{ field, reason: text(cause["reason"]) ?? "", ...(message !== undefined && { message }) }];
  });
}

const secretPath = /^\/api\/v1\/(namespaces\/[^/]+\/)?(secrets|serviceaccounts\/[^/]+\/token)(\/|\?|$)/;

/** True for the paths whose objects are secrets. */
export const isSecretPath = (path: string): boolean => secretPath.test(path);
