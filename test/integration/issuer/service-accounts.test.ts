import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { ForeignTokens } from "../../../src/issuer/callers/foreign-tokens.ts";
import { openJudge } from "../../../src/issuer/callers/judges.ts";
import { SingleUse } from "../../../src/issuer/callers/single-use.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { HeardLog } from "../../support/heard-log.ts";
import { issuerWith } from "../../issuer/support/token-issuers.ts";
import { admin, gone, makeNamespace, makePod } from "../support/scene.ts";

const namespace = await makeNamespace("callers");
const { server, ca, token: adminToken } = inject("cluster").connection;
const issuer = "https://kubernetes.default.svc";
const audience = "keyturn-issuer";

/** A token of the namespace's default ServiceAccount, as the kubelet projects it. */
async function projected(spec: object): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`;
  const answer = await admin.create<{ status: { token: string } }>(path, { spec });
  return answer.status.token;
}

/** Files as a pod has them: the CA, and a bearer token that may ask what the test's administrator may. */
function files() {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-cluster-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const [caFile, bearerTokenFile] = [join(dir, "ca.crt"), join(dir, "token")];
  writeFileSync(caFile, ca ?? "");
  writeFileSync(bearerTokenFile, `${adminToken ?? ""}\n`);
  return { caFile, bearerTokenFile };
}

const sources = [
  ["TokenReview", () => ({ tokenReview: { server }, ...files() })],
  ["TokenReview as pods ask for it", () => ({ tokenReview: {} })],
  ["the API server's JWKS", () => ({ jwksURL: `${server}/openid/v1/jwks`, ...files() })],
  [
    "the API server's discovery",
    () => ({ discovery: { url: `${server}/.well-known/openid-configuration` }, ...files() }),
  ],
] as const;

/** The cluster, trusted for the namespace. */
function trusting(
  source: object,
  { nowMs = () => Date.now(), match = {} }: { nowMs?: () => number; match?: object } = {},
) {
  const log = new HeardLog();
  const config = issuerWith({
    trust: [
      {
        name: "cluster",
        issuer,
        ...source,
        audiences: [audience],
        rules: [
          {
            name: "here",
            match: { sub: `system:serviceaccount:${namespace}:*`, ...match },
            subject: "k8s:{/kubernetes.io/namespace}:{/kubernetes.io/serviceaccount/name}",
            carry: { pod: "/kubernetes.io/pod/name", pod_uid: "/kubernetes.io/pod/uid" },
            allow: { audiences: ["api"] },
          },
        ],
      },
    ],
  });
  const apiServer = fixedEndpoint(server, {
    tls: { ...(ca !== undefined && { ca }) },
    ...(adminToken !== undefined && { token: adminToken }),
  });
  const around = { clock: systemClock, chance: () => 0, log, files: smallFiles, userAgent: "keyturn/test", apiServer };
  const judges = new Map(
    config.trust.map((trust) => {
      const judge = openJudge(trust, around);
      onTestFinished(() => judge.close());
      return [trust, judge.judge] as const;
    }),
  );
  return { log, foreign: new ForeignTokens({ judges, clock: { nowMs }, log, singleUse: new SingleUse() }) };
}

test.each(sources)("a pod's projected token is known by %s, with its pod", async (what, source) => {
  const { metadata } = await makePod(namespace, `pod-${sources.findIndex(([name]) => name === what)}`);
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: metadata.name, uid: metadata.uid };
  const token = await projected({ audiences: [audience], expirationSeconds: 600, boundObjectRef });
  const { foreign, log } = trusting(source());
  expect([log.lines, await foreign.verify(token)]).toMatchObject([
    [],
    {
      kind: "foreign",
      issuer,
      foreignSubject: `system:serviceaccount:${namespace}:default`,
      subject: `k8s:${namespace}:default`,
      trust: "cluster",
      rule: "here",
      claims: { pod: metadata.name, pod_uid: metadata.uid },
    },
  ]);
});

test.each(sources)(
  "by %s, a token for another audience, of another namespace, or expired, is refused",
  async (_what, source) => {
    const { foreign } = trusting(source());
    const other = await projected({ audiences: ["https://other.example"], expirationSeconds: 600 });
    expect(await foreign.verify(other)).toMatchObject({ error: "invalid_grant", check: "audience" });
    const good = await projected({ audiences: [audience, "https://other.example"], expirationSeconds: 600 });
    expect(await foreign.verify(good)).toMatchObject({ kind: "foreign", claims: {} });
    const elsewhere = trusting(source(), { match: { "/kubernetes.io/namespace": "kube-system" } });
    expect(await elsewhere.foreign.verify(good)).toMatchObject({ error: "invalid_grant", check: "rule" });
    const late = trusting(source(), { nowMs: () => Date.now() + 661_000 });
    expect(await late.foreign.verify(good)).toMatchObject({ error: "invalid_grant", check: "expiry" });
  },
);

test.each(sources)("by %s, a token whose claims were changed is refused", async (_what, source) => {
  const token = await projected({ audiences: [audience], expirationSeconds: 600 });
  const [head, body = "", signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
  const sub = `system:serviceaccount:${namespace}:root`;
  const changed = Buffer.from(JSON.stringify({ ...claims, sub })).toString("base64url");
  const { foreign } = trusting(source());
  const answer = await foreign.verify([head, changed, signature].join("."));
  expect(answer).toMatchObject({ error: "invalid_grant" });
  expect(["signature", "review"]).toContain("check" in answer ? answer.check : undefined);
});

test("TokenReview knows that a pod is gone, which keys alone do not", async () => {
  const { metadata } = await makePod(namespace, "short-lived");
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: metadata.name, uid: metadata.uid };
  const token = await projected({ audiences: [audience], expirationSeconds: 600, boundObjectRef });
  const reviewed = trusting({ tokenReview: { server }, ...files() });
  const verified = trusting({ jwksURL: `${server}/openid/v1/jwks`, ...files() });
  // Not reviewed before: an API server remembers a good answer for ten seconds
  const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}`;
  await admin.remove(path);
  await gone(path);
  expect(await reviewed.foreign.verify(token)).toMatchObject({ error: "invalid_grant", check: "review" });
  expect(await verified.foreign.verify(token)).toMatchObject({ kind: "foreign" });
});

test("TokenReview without the right to it, and without an API server, asks to come again, and says why in the log", async () => {
  const token = await projected({ audiences: [audience], expirationSeconds: 600 });
  const { bearerTokenFile, caFile } = files();
  writeFileSync(bearerTokenFile, await projected({}));
  const powerless = trusting({ tokenReview: { server }, caFile, bearerTokenFile });
  const away = { error: "temporarily_unavailable", check: "keys" };
  expect(await powerless.foreign.verify(token)).toMatchObject(away);
  expect(await powerless.log.heard("Cannot review a token")).toContain('"code":"Forbidden"');
  const nobody = trusting({ tokenReview: { server: "https://127.0.0.1:1" }, caFile, bearerTokenFile });
  expect(await nobody.foreign.verify(token)).toMatchObject(away);
  expect(await nobody.log.heard("Cannot review a token")).toContain('"code":"Unreachable"');
  for (const part of token.split("."))
    expect([...powerless.log.lines, ...nobody.log.lines].join("\n")).not.toContain(part);
});
