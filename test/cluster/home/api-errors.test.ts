import { expect, test } from "vitest";
import { withApiErrors } from "../../../src/cluster/home/api-errors.ts";
import {
  ApiError,
  type ApiErrorFacts,
  ConnectionError,
  KubeError,
  StoppedError,
} from "../../../src/kube/kube-errors.ts";
import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../../src/errors/keyturn-error.ts";

const api = (status: number, message: string, more: Partial<ApiErrorFacts> = {}): ApiError =>
  new ApiError({ action: "get pods", status, reason: "", causes: [], ...more }, message);

const rights = { kind: "rights", user: "eve", verb: "get", resource: "secrets" } as const;

type Is = readonly [type: typeof KeyturnError, code: string, message: string];

const cases: readonly (readonly [what: string, error: Error, is: Is])[] = [
  ["a signal", new StoppedError("get pods"), [TryLaterError, "TimedOut", "Cannot get pods: stopped"]],
  [
    "no answer",
    new ConnectionError("Unreachable", "Cannot get pods: refused", false),
    [TryLaterError, "Unreachable", "Cannot get pods: refused"],
  ],
  [
    "no credentials",
    new ConnectionError("NoCredentials", "Cannot get pods: no credentials: x", false),
    [ChangeNeededError, "NoCredentials", "Cannot get pods: no credentials: x"],
  ],
  [
    "credentials that are refused",
    api(401, 'Cannot get pods "a/b": Unauthorized (401)', { action: 'get pods "a/b"', reason: "Unauthorized" }),
    [ChangeNeededError, "Unauthorized", 'Cannot get pods "a/b": must be known to the API server, is not'],
  ],
  ["trouble over there", api(503, "Cannot get pods: x (503)"), [TryLaterError, "Http503", "Cannot get pods: x (503)"]],
  ["a conflict", api(409, "Cannot patch: x", { reason: "Conflict" }), [TryLaterError, "Conflict", "Cannot patch: x"]],
  [
    "what is forbidden",
    api(403, "whatever", {
      action: 'get secrets "shop/gateway"',
      reason: "Forbidden",
      refuser: { ...rights, namespace: "shop" },
    }),
    [
      ChangeNeededError,
      "Forbidden",
      'Cannot get secrets "shop/gateway": must be allowed to get secrets in namespace "shop", user "eve" is not',
    ],
  ],
  [
    "what is forbidden everywhere",
    api(403, "whatever", { action: "list secrets", reason: "Forbidden", refuser: rights }),
    [
      ChangeNeededError,
      "Forbidden",
      'Cannot list secrets: must be allowed to get secrets in all namespaces, user "eve" is not',
    ],
  ],
  [
    "what a policy denies, in the words that name it",
    api(403, "Cannot patch x: because (403 Forbidden)", {
      reason: "Forbidden",
      refuser: { kind: "policy", name: "p", binding: "b" },
    }),
    [ChangeNeededError, "Denied", "Cannot patch x: because (403 Forbidden)"],
  ],
  [
    "what is refused, nobody knows by whom",
    api(403, "Cannot patch x: because (403 Forbidden)", { reason: "Forbidden" }),
    [ChangeNeededError, "Forbidden", "Cannot patch x: because (403 Forbidden)"],
  ],
  [
    "a resource that is not installed",
    api(404, "whatever", { action: 'list jwtkeyrotations "shop"' }),
    [
      ChangeNeededError,
      "NoResource",
      'Cannot list jwtkeyrotations "shop": must be a resource that the cluster knows, is not',
    ],
  ],
  [
    "refused values, each once",
    api(422, "whatever", {
      reason: "Invalid",
      causes: [
        { field: "spec.a", reason: "FieldValueInvalid", message: "x: y" },
        { field: "spec.b", reason: "", message: "z" },
        { field: "spec.b", reason: "", message: "z" },
      ],
    }),
    [ChangeNeededError, "InvalidSpec", "spec.a: x: y, spec.b: z"],
  ],
  [
    "a refused value that the server says nothing of",
    api(422, "Cannot patch x: refused (422 Invalid)", { reason: "Invalid" }),
    [ChangeNeededError, "Invalid", "Cannot patch x: refused (422 Invalid)"],
  ],
];

test.each(cases)("converted makes of %s what a person can act on", async (_, error, [type, code, message]) => {
  const thrown: unknown = await withApiErrors(() => Promise.reject(error)).catch((one: unknown) => one);
  expect(thrown).toBeInstanceOf(type);
  expect(thrown).toMatchObject({ code, message, cause: error });
});

test("converted lets results and other errors pass", async () => {
  expect(await withApiErrors(async () => 1)).toBe(1);
  const own = new ChangeNeededError("A", "b");
  await expect(withApiErrors(() => Promise.reject(own))).rejects.toBe(own);
  const other = new KubeError("BadKubeConfig", "b");
  await expect(withApiErrors(() => Promise.reject(other))).rejects.toBe(other);
});
