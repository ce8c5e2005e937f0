import { describe, expect, test } from "vitest";
import { mayWorkLater, type Refuser } from "../../src/kube/kube-errors.ts";
import { refuserIn } from "../../src/kube/refuser.ts";
import { apiError, eventError, isSecretPath, retryAfter } from "../../src/kube/api-status.ts";

const refusal = { what: 'update secrets "a/b"', secret: true, status: 422, headers: {} };
const statusOf = (message: string, more: object = {}): object => ({
  kind: "Status",
  message,
  reason: "Invalid",
  ...more,
});

describe("apiError of a Secret", () => {
  test.each([
    ['Secret "b" is invalid: data[x]: Invalid value: "c2VjcmV0"'],
    ["Secret in version v1 cannot be handled: illegal base64 data at input byte 3, bigger context ...c2VjcmV0..."],
    ['secrets "b" is forbidden: ValidatingAdmissionPolicy denied request: c2VjcmV0'],
    ['secrets "b" not found c2VjcmV0'],
    ['c2VjcmV0: admission webhook "w" denied the request: c2VjcmV0'],
  ])("never shows what may be quoted: %s", (message) => {
    const error = apiError({ ...refusal, body: statusOf(message) }, 0);
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain("c2VjcmV0");
    expect(error.message).toBe('Cannot update secrets "a/b": the API server refused (422 Invalid)');
  });

  const policy = "ValidatingAdmissionPolicy 'team.p' with binding 'team.b' denied request";
  test.each([
    [`secrets "b" is forbidden: ${policy}: c2VjcmV0`, 'the admission policy "team.p" (binding "team.b") refuses it'],
    [
      'admission webhook "w.x" denied the request: c2VjcmV0',
      'the admission webhook "w.x" refuses it, or can\'t be asked',
    ],
    [
      'Internal error occurred: failed calling webhook "w.x": c2VjcmV0',
      'the admission webhook "w.x" refuses it, or can\'t be asked',
    ],
    ['secrets "b" is forbidden: exceeded quota: q, requested: c2VjcmV0 c', 'the quota "q" is used up'],
  ])("names who refused, and keeps their words, which may quote: %s", (message, problem) => {
    const error = apiError({ ...refusal, status: 403, body: statusOf(message, { reason: "Forbidden" }) }, 0);
    expect(error.message).toBe(`Cannot update secrets "a/b": ${problem} (403 Forbidden)`);
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain("c2VjcmV0");
  });

  test.each([
    ['secrets "b" not found'],
    ['secrets "b" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=5, limited: secrets=5'],
    ['secrets "b" is forbidden: unable to create new content in namespace a because it is being terminated'],
    ['secrets "b" already exists'],
    ['Operation cannot be fulfilled on secrets "b": the object has been modified; please apply your changes'],
    ['secrets "b" is forbidden: User "u" cannot get resource "secrets" in API group "" in the namespace "a"'],
    ["Unauthorized"],
  ])("shows what quotes nothing: %s", (message) => {
    expect(apiError({ ...refusal, body: statusOf(message) }, 0).message).toContain(message);
  });

  test("names the fields that are wrong, without their values", () => {
    const details = { name: "b", causes: [{ field: "data[x]", message: "c2VjcmV0" }, { field: "type" }, "c2VjcmV0"] };
    const error = apiError({ ...refusal, body: statusOf("c2VjcmV0", { details }) }, 0);
    expect(error.message).toBe('Cannot update secrets "a/b": data[x], type (422 Invalid)');
    const causes = ["data[x]", "type"].map((field) => ({ field, reason: "" }));
    expect(error).toMatchObject({ causes, objectName: "b", code: "Invalid", action: 'update secrets "a/b"' });
  });
});

describe("apiError of anything else", () => {
  const open = { ...refusal, what: 'get pods "a/b"', secret: false };

  test("shows the server's words, up to a thousand characters", () => {
    expect(apiError({ ...open, body: statusOf("spec.x: must be y") }, 0).message).toContain("spec.x: must be y");
    expect(apiError({ ...open, body: statusOf("x".repeat(5000)) }, 0).message.length).toBeLessThan(1100);
  });

  test.each([undefined, "text", [], { kind: "Other", message: "m", reason: "NotFound" }])(
    "has no reason when the answer is no Status: %o",
    (body) => {
      const error = apiError({ ...open, status: 404, body }, 0);
      expect(error).toMatchObject({
        code: "Http404",
        reason: "",
        message: 'Cannot get pods "a/b": no such resource is served here: is its definition installed? (404)',
      });
    },
  );

  test("takes the wait from the header first, then from the details", () => {
    const body = statusOf("later", { details: { retryAfterSeconds: 3 } });
    expect(apiError({ ...open, status: 503, body }, 0).retryAfterMs).toBe(3000);
    expect(apiError({ ...open, status: 503, body, headers: { "retry-after": "9" } }, 0).retryAfterMs).toBe(9000);
  });
});

describe("refuserIn", () => {
  const denies = "with binding 'b' denied request: no";
  test.each<[string, Refuser | undefined]>([
    [
      'x.y is forbidden: User "eve" cannot list resource "x" in API group "y" at the cluster scope',
      { kind: "rights", user: "eve", verb: "list", resource: "x.y" },
    ],
    [
      'x "b" is forbidden: User "a:b" cannot update resource "x/status" in API group "y" in the namespace "shop": why',
      { kind: "rights", user: "a:b", verb: "update", resource: "x/status.y", namespace: "shop" },
    ],
    [
      'secrets "b" is forbidden: User "eve" cannot get resource "secrets" in API group "" in the namespace "a"',
      { kind: "rights", user: "eve", verb: "get", resource: "secrets", namespace: "a" },
    ],
    [`x "b" is forbidden: ValidatingAdmissionPolicy 'p' ${denies}`, { kind: "policy", name: "p", binding: "b" }],
    [`x "b" is invalid: ValidatingAdmissionPolicy 'p' ${denies}`, { kind: "policy", name: "p", binding: "b" }],
    ['admission webhook "w" denied the request without explanation', { kind: "webhook", name: "w" }],
    ['x "b" is forbidden: exceeded quota: q, requested: x=1, used: x=1, limited: x=1', { kind: "quota", name: "q" }],
    ["spec.a: ValidatingAdmissionPolicy 'p' with binding 'b' denied request", undefined],
    ["", undefined],
  ])("of %s is %j", (message, refuser) => {
    expect(refuserIn(message)).toEqual(refuser);
  });
});

test.each([
  ["5", 5000],
  [" 0 ", 0],
  ["Sat, 21 Nov 2026 10:00:30 GMT", 30_000],
  ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
  ["soon", undefined],
  [undefined, undefined],
])("retryAfter %s is %s ms", (header, ms) => {
  expect(retryAfter(header, Date.parse("2026-11-21T10:00:00Z"))).toBe(ms);
});

test.each([
  ["/api/v1/namespaces/a/secrets", true],
  ["/api/v1/namespaces/a/secrets/b?x=1", true],
  ["/api/v1/secrets?limit=5", true],
  ["/api/v1/namespaces/a/serviceaccounts/b/token", true],
  ["/api/v1/namespaces/secrets/configmaps/b", false],
  ["/apis/x.dev/v1/namespaces/a/secrets/b", false],
])("isSecretPath %s is %s", (path, expected) => {
  expect(isSecretPath(path)).toBe(expected);
});

test("eventError is the Status of the event, 500 where it has no code", () => {
  expect(eventError("watch pods", { kind: "Status", code: 410, reason: "Expired" }, false)).toMatchObject({
    status: 410,
  });
  expect(eventError("watch pods", "?", false)).toMatchObject({ status: 500, reason: "" });
});

test.each([
  [408, true],
  [409, true],
  [429, true],
  [500, true],
  [503, true],
  [401, true],
  [400, false],
  [403, false],
  [404, false],
  [422, false],
])("mayWorkLater of %i is %s", (status, expected) => {
  expect(mayWorkLater(apiError({ ...refusal, status, body: undefined }, 0))).toBe(expected);
});
