import { expect, test } from "vitest";
import { converted } from "../../../src/operator/home/errors.ts";
import { ApiError, type ApiErrorFacts, ConnectionError, KubeError, StoppedError } from "../../../src/kube/errors.ts";
import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../../src/ring/errors.ts";

const api = (status: number, message: string, more: Partial<ApiErrorFacts> = {}): ApiError =>
  new ApiError({ status, reason: "", fields: [], ...more }, message);

const forbidden =
  'Cannot get secrets "shop/gateway": secrets "gateway" is forbidden: User "eve" cannot get resource "secrets" in API group "" in the namespace "shop" (403 Forbidden)';
const forbiddenEverywhere =
  'Cannot list jwtkeyrotations: jwtkeyrotations.keyturn.dev is forbidden: User "eve" cannot list resource "jwtkeyrotations" in API group "keyturn.dev" at the cluster scope (403 Forbidden)';
const invalid = 'Cannot patch jwtkeyrotations "shop/gateway": JwtKeyRotation.keyturn.dev "gateway" is invalid:';

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
    api(401, 'Cannot get pods "a/b": Unauthorized (401)', { reason: "Unauthorized" }),
    [ChangeNeededError, "Unauthorized", 'Cannot get pods "a/b": must be known to the API server, is not'],
  ],
  ["trouble over there", api(503, "Cannot get pods: x (503)"), [TryLaterError, "Http503", "Cannot get pods: x (503)"]],
  ["a conflict", api(409, "Cannot patch: x", { reason: "Conflict" }), [TryLaterError, "Conflict", "Cannot patch: x"]],
  [
    "what is forbidden",
    api(403, forbidden, { reason: "Forbidden" }),
    [
      ChangeNeededError,
      "Forbidden",
      'Cannot get secrets "shop/gateway": must be allowed to get secrets in namespace "shop", user "eve" is not',
    ],
  ],
  [
    "what is forbidden everywhere",
    api(403, forbiddenEverywhere, { reason: "Forbidden" }),
    [
      ChangeNeededError,
      "Forbidden",
      'Cannot list jwtkeyrotations: must be allowed to list jwtkeyrotations.keyturn.dev in all namespaces, user "eve" is not',
    ],
  ],
  [
    "what a policy forbids, in its own words",
    api(403, "Cannot patch x: because (403 Forbidden)", { reason: "Forbidden" }),
    [ChangeNeededError, "Forbidden", "Cannot patch x: because (403 Forbidden)"],
  ],
  [
    "a resource that is not installed",
    api(404, 'Cannot list jwtkeyrotations "shop": the API server refused (404)'),
    [
      ChangeNeededError,
      "NoResource",
      'Cannot list jwtkeyrotations "shop": must be a resource that the cluster knows, is not',
    ],
  ],
  [
    "a refused value",
    api(422, `${invalid} spec.rollbackWindow: must be at most rotationWindow (422 Invalid)`, { reason: "Invalid" }),
    [ChangeNeededError, "InvalidSpec", "spec.rollbackWindow: must be at most rotationWindow"],
  ],
  [
    "several",
    api(422, `${invalid} [spec.a: x, spec.b: y] (422 Invalid)`, { reason: "Invalid" }),
    [ChangeNeededError, "InvalidSpec", "spec.a: x, spec.b: y"],
  ],
];

test.each(cases)("converted makes of %s what a person can act on", async (_, error, [type, code, message]) => {
  const thrown: unknown = await converted(() => Promise.reject(error)).catch((one: unknown) => one);
  expect(thrown).toBeInstanceOf(type);
  expect(thrown).toMatchObject({ code, message, cause: error });
});

test("converted lets results and other errors pass", async () => {
  expect(await converted(async () => 1)).toBe(1);
  const own = new ChangeNeededError("A", "b");
  await expect(converted(() => Promise.reject(own))).rejects.toBe(own);
  const other = new KubeError("BadKubeConfig", "b");
  await expect(converted(() => Promise.reject(other))).rejects.toBe(other);
});
