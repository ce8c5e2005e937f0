// A process that renews one identity as fast as it can, and says each access token: `renewing-child.ts ORIGIN FILE CREDENTIAL`.
import { writeSync } from "node:fs";
import { fetchPost } from "../../../src/client/keep/fetch-post.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { keepIdentity } from "../../../src/identity/keep-identity.ts";
import { type FirstCredential, oauthIssuer } from "../../../src/identity/oauth/oauth-issuer.ts";
import { pairFile } from "../../../src/identity/store/pair-file.ts";

const [origin = "", path = "", json = ""] = process.argv.slice(2);
const credential = JSON.parse(json) as FirstCredential;
const identity = await keepIdentity({
  store: pairFile({ path, purpose: "the test" }),
  issuer: oauthIssuer({
    post: fetchPost(fetch, systemClock),
    tokenUrl: new URL("/oauth2/token", origin),
    credential: () => Promise.resolve(credential),
    scopes: ["read"],
    refreshTtlSeconds: 36_000,
  }),
});
for (;;) writeSync(1, `${(await identity.refresh()).accessToken}\n`);
