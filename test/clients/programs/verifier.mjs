// A verifier as a service on Node.js has it: verifier.mjs <library> <issuer> <JWKS URL> <audience>. Reads {id, token}, answers {id, verdict, atMs}.
// Every option that is not there is the library's own default. Run where the libraries are installed.
import { createInterface } from "node:readline";

const [library, issuer, jwksURL, audience] = process.argv.slice(2);

const verifiers = {
  async jose() {
    const { createRemoteJWKSet, jwtVerify } = await import("jose");
    const keys = createRemoteJWKSet(new URL(jwksURL));
    return (token) => jwtVerify(token, keys, { issuer, audience });
  },

  async jsonwebtoken() {
    const { default: jwt } = await import("jsonwebtoken");
    const { default: jwksClient } = await import("jwks-rsa");
    const client = jwksClient({ jwksUri: jwksURL });
    const keyOf = ({ kid }, done) => client.getSigningKey(kid, (error, key) => done(error, key?.getPublicKey()));
    // All that it knows
    const algorithms = ["256", "384", "512"].flatMap((bits) => [`RS${bits}`, `PS${bits}`, `ES${bits}`]);
    return (token) =>
      new Promise((resolve, reject) => {
        jwt.verify(token, keyOf, { issuer, audience, algorithms }, (error) => (error ? reject(error) : resolve()));
      });
  },

  async "express-oauth2-jwt-bearer"() {
    const { auth } = await import("express-oauth2-jwt-bearer");
    const handler = auth({ issuerBaseURL: issuer, audience });
    return (token) => {
      const headers = { host: "api.example", authorization: `Bearer ${token}` };
      const get = (name) => headers[name.toLowerCase()];
      const request = { headers, get, protocol: "https", originalUrl: "/", query: {}, method: "GET", is: () => false };
      return new Promise((resolve, reject) => {
        handler(request, {}, (error) => (error ? reject(error) : resolve()));
      });
    };
  },

  async "fast-jwt"() {
    const { createVerifier } = await import("fast-jwt");
    const { default: buildGetJwks } = await import("get-jwks");
    const keys = buildGetJwks();
    const key = ({ header: { kid, alg } }) => keys.getPublicKey({ kid, alg, domain: issuer });
    return createVerifier({ key, allowedIss: issuer, allowedAud: audience });
  },
};

const verify = await verifiers[library]();

async function verdictOn(token) {
  try {
    await verify(token);
    return "valid";
  } catch (error) {
    return String(error?.message ?? error);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, token } = JSON.parse(line);
  void verdictOn(token).then((verdict) => console.log(JSON.stringify({ id, verdict, atMs: Date.now() })));
}
