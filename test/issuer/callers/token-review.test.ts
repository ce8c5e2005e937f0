import { describe, expect, test } from "vitest";
import { TokenReviews } from "../../../src/issuer/callers/token-review.ts";
import type { ApiRequest } from "../../../src/kube/api-request.ts";
import { StoppedError } from "../../../src/kube/kube-errors.ts";

const sub = "system:serviceaccount:ci:deployer";
const claims = { sub, "kubernetes.io": { pod: { name: "p-1", uid: "u-1" } } };
const extra = {
  "authentication.kubernetes.io/pod-name": ["p-1"],
  "authentication.kubernetes.io/pod-uid": ["u-1"],
};
const good = { authenticated: true, audiences: ["keyturn-issuer"], user: { username: sub, extra } };

/** Reviews by an API server that answers this status; what a real one never says, too. */
function reviews(answer: (request: ApiRequest) => unknown) {
  const asked: ApiRequest[] = [];
  const told: string[] = [];
  const call = async (request: ApiRequest) => {
    asked.push(request);
    return { status: 201, body: { status: await answer(request) } };
  };
  const options = {
    transport: { call },
    audiences: ["keyturn-issuer", "second"],
    tell: (code: string) => void told.push(code),
  };
  return { asked, told, reviews: new TokenReviews(options) };
}

describe("TokenReviews.flawOf", () => {
  test("asks once, for the audiences", async () => {
    const { reviews: all, asked } = reviews(() => good);
    expect(await all.flawOf("token", claims)).toBeUndefined();
    expect(asked.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      {
        method: "POST",
        path: "/apis/authentication.k8s.io/v1/tokenreviews",
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenReview",
          spec: { token: "token", audiences: ["keyturn-issuer", "second"] },
        },
      },
    ]);
  });

  test.each<[what: string, status: unknown]>([
    ["nothing", undefined],
    ["a text", "authenticated"],
    ["that it does not know it", { authenticated: false, error: "invalid" }],
    ["a text in the place of true", { ...good, authenticated: "true" }],
    ["no user", { ...good, user: undefined }],
    ["another user", { ...good, user: { username: "root", extra } }],
    ["no audiences, as an old server does", { ...good, audiences: undefined }],
    ["another audience", { ...good, audiences: ["https://kubernetes.default.svc"] }],
    ["audiences that are none", { ...good, audiences: { 0: "keyturn-issuer" } }],
    [
      "another pod",
      { ...good, user: { username: sub, extra: { ...extra, "authentication.kubernetes.io/pod-uid": ["u-2"] } } },
    ],
  ])("refuses the token when the server says %s", async (_what, status) => {
    expect(await reviews(() => status).reviews.flawOf("token", claims)).toMatchObject({ failed: "review" });
  });

  test("without a pod it is good as well", async () => {
    const status = { ...good, user: { username: sub } };
    expect(await reviews(() => status).reviews.flawOf("token", { sub })).toBeUndefined();
  });

  test("a server that can't be asked is told by its code, and the token is to come again", async () => {
    const { reviews: all, told } = reviews(() => {
      throw new StoppedError("review a token");
    });
    expect(await all.flawOf("token", claims)).toMatchObject({ failed: "keys" });
    expect(told).toEqual(["Stopped"]);
  });

  test("a flood is 16 reviews at a time, and more than 256 that wait are turned away", async () => {
    const ends: ((status: unknown) => void)[] = [];
    const { reviews: all, asked } = reviews(
      () =>
        new Promise((resolve) => {
          ends.push(resolve);
        }),
    );
    const flood = Array.from({ length: 273 }, () => all.flawOf("token", claims));
    expect(await flood[272]).toMatchObject({ failed: "keys" });
    expect(asked).toHaveLength(16);
    ends[0]?.(good);
    expect(await flood[0]).toBeUndefined();
    expect(asked).toHaveLength(17);
  });
});
