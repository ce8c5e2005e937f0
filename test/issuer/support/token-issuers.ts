import type { TokenIssuer } from "../../../src/issuer/config/token-issuer.ts";
import { parseTokenIssuer } from "../../../src/issuer/config/read-token-issuer.ts";

/** A TokenIssuer file with this spec. */
export const fileWith = (spec: object): object => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "TokenIssuer",
  metadata: { name: "issuer" },
  spec,
});

/** A rule for everybody of an issuer. */
export const ruleWith = (more: object = {}): object => ({
  name: "everybody",
  match: { sub: "**" },
  subject: "ext:{sub}",
  allow: { audiences: ["api"], scopes: ["read"] },
  ...more,
});

/** A trust whose keys are yet to be named. */
export const trustWith = (more: object = {}): object => ({
  name: "partner",
  issuer: "https://partner.example",
  audiences: ["keyturn-issuer"],
  rules: [ruleWith()],
  ...more,
});

export const clientWith = (more: object = {}): object => ({
  id: "dashboard",
  secretFiles: ["secrets/dashboard"],
  allow: { audiences: ["api"] },
  ...more,
});

export const issuerWith = (spec: object): TokenIssuer => parseTokenIssuer(fileWith(spec), "/etc/keyturn");
