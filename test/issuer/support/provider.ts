import type { ServerOptions } from "node:https";
import { json, type Reply, type ScriptServer, scriptServer } from "../../kube/support/script-server.ts";
import { newKey, type SigningKey } from "./tokens.ts";

/** An OpenID provider of the tests' own: what it answers can be changed at any time. */
export interface Provider extends ScriptServer {
  keys: readonly SigningKey[];
  /** Instead of its keys. */
  answer: Reply | undefined;
  /** Instead of its description. */
  description: object | undefined;
  /** How often it was asked for its keys. */
  readonly asked: number;
}

export async function provider(tls?: ServerOptions): Promise<Provider> {
  const state: { keys: readonly SigningKey[]; answer: Reply | undefined; description: object | undefined } = {
    keys: [newKey()],
    answer: undefined,
    description: undefined,
  };
  let asked = 0;
  const reply: Reply = (response, call) => {
    if (call.url.pathname === "/.well-known/openid-configuration") {
      json(200, state.description ?? { issuer: "https://partner.example", jwks_uri: `${server.server}/jwks` })(
        response,
        call,
      );
      return;
    }
    asked++;
    (state.answer ?? json(200, { keys: state.keys.map(({ publicJwk }) => publicJwk) }))(response, call);
  };
  const server = await scriptServer([reply], tls);
  return Object.defineProperties(Object.create(server) as Provider, {
    keys: { get: () => state.keys, set: (keys: readonly SigningKey[]) => (state.keys = keys) },
    answer: { get: () => state.answer, set: (answer: Reply | undefined) => (state.answer = answer) },
    description: { get: () => state.description, set: (next: object | undefined) => (state.description = next) },
    asked: { get: () => asked },
  });
}
