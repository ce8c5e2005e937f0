// How an application comes by the token that the agent beside it keeps fresh.
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";

const { KEYTURN_TOKEN_FILE = "", KEYTURN_AGENT_SOCKET = "", KEYTURN_IDENTITY = "" } = process.env;

/** What stands in the header or the payload of a token. */
export interface TokenPart {
  readonly kid?: string;
  readonly jti?: string;
  readonly sid?: string;
}

export const partOf = (token: string, index: number): TokenPart =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString()) as TokenPart;

/** From the file, read anew. */
export const tokenInFile = async (): Promise<string> => (await readFile(KEYTURN_TOKEN_FILE, "utf8")).trim();

/** In the place of one that was refused: the agent renews once, and gives the next one. */
export function otherToken(refused: string): Promise<string> {
  const path = `/v1/identities/${KEYTURN_IDENTITY}/token?refused=${encodeURIComponent(partOf(refused, 1).jti ?? "")}`;
  const headers = { "keyturn-agent": "1", accept: "text/plain" };
  return new Promise((resolve, reject) => {
    request({ socketPath: KEYTURN_AGENT_SOCKET, path, headers }, (answer) => resolve(text(answer)))
      .on("error", reject)
      .end();
  });
}
