// Who verifies tokens out there, and how each is started.
import { goClients, javaClients, nodeClients, pythonClients } from "./installs.ts";

/** How a program is started, which takes four arguments more: library, issuer, URL of the JWKS, audience. */
export type Start = readonly [string, ...string[]];

export interface Client {
  /** For the program, and in the table. */
  readonly library: string;
  /** What it is made of, with versions. */
  readonly packages: string;
  readonly language: "Go" | "Java" | "Node.js" | "Python";
  /** What starts it, installed at the first use; or why it can't be. */
  readonly start: () => Promise<Start | { readonly missing: string }>;
}

const node = (library: string, ...packages: readonly string[]): Client => ({
  ...{ library, language: "Node.js", packages: nodeClients.versions(packages), start: nodeClients.start },
});
const python = (library: string): Client => ({
  ...{ library, language: "Python", packages: pythonClients.versions([library]), start: pythonClients.start },
});
const go = (library: string, ...modules: readonly string[]): Client => ({
  ...{ library, language: "Go", packages: goClients.versions(modules), start: goClients.start },
});
const java = (library: string, ...artifacts: readonly string[]): Client => ({
  ...{ library, language: "Java", packages: javaClients.versions(artifacts), start: javaClients.start },
});

export const clients: readonly Client[] = [
  go("go-oidc", "github.com/coreos/go-oidc/v3"),
  go("go-oidc, told", "github.com/coreos/go-oidc/v3"),
  go("golang-jwt", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"),
  go("jwx", "github.com/lestrrat-go/jwx/v3"),
  java("Spring issuer-uri", "spring-security-oauth2-jose"),
  java("Spring jwk-set-uri", "spring-security-oauth2-jose"),
  java("Spring jwk-set-uri, told", "spring-security-oauth2-jose"),
  java("Nimbus", "nimbus-jose-jwt"),
  java("java-jwt", "java-jwt", "jwks-rsa"),
  node("jose", "jose"),
  node("jsonwebtoken", "jsonwebtoken", "jwks-rsa"),
  node("express-oauth2-jwt-bearer", "express-oauth2-jwt-bearer"),
  node("fast-jwt", "fast-jwt", "get-jwks"),
  python("PyJWT"),
  python("Authlib"),
  python("joserfc"),
];

/** What CI has as well: quick to install, quick to start. */
export const cheapClients = clients.filter(({ language }) => language !== "Java");
