import { nkeys } from "@nats-io/transport-node";

/** What a nats-server of an operator needs to know, and what one of its users shows: decentralised JWT authentication. */
export interface NatsAccount {
  /** Lines of its configuration. */
  readonly configuration: string;
  /** A file of credentials of a user who may speak and listen below a prefix, and nowhere else. */
  credentials(prefix: string): string;
}

export function makeAccount(): NatsAccount {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const operatorJwt = signed(operator, operator, { type: "operator" });
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const accountJwt = signed(operator, account, { type: "account", limits });
  const id = account.getPublicKey();
  return {
    configuration: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${id}: ${accountJwt} }\n`,
    credentials: (prefix) => {
      const user = nkeys.createUser();
      const only = { allow: [`${prefix}.>`] };
      const jwt = signed(account, user, { type: "user", pub: only, sub: only, subs: -1, data: -1, payload: -1 });
      const seed = new TextDecoder().decode(user.getSeed());
      return `${block("NATS USER JWT", jwt)}\n${block("USER NKEY SEED", seed)}`;
    },
  };
}

type Pair = ReturnType<typeof nkeys.createUser>;

function signed(issuer: Pair, subject: Pair, nats: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    ...{ jti: subject.getPublicKey(), iat: Math.floor(Date.now() / 1000), name: "test" },
    ...{ iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats: { ...nats, version: 2 } },
  };
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
}

export const block = (name: string, text: string): string =>
  `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
