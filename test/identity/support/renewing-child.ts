// A process that renews one identity as fast as it can, and says each access token: `renewing-child.ts ORIGIN FILE SECRET`.
import { writeSync } from "node:fs";
import { keepIdentity } from "../../../src/identity/keep-identity.ts";
import { oauthIssuer } from "../../../src/identity/oauth/oauth-issuer.ts";
import { pairFile } from "../../../src/identity/store/pair-file.ts";

const [origin = "", path = "", secret = ""] = process.argv.slice(2);
const identity = await keepIdentity({
  store: pairFile({ path, purpose: "the test" }),
  issuer: oauthIssuer({
    tokenUrl: new URL("/oauth2/token", origin),
    credential: () => Promise.resolve({ kind: "client", clientId: "dashboard", secret }),
    scopes: ["read"],
    refreshTtlSeconds: 36_000,
  }),
});
for (;;) writeSync(1, `${(await identity.refresh()).accessToken}\n`);
