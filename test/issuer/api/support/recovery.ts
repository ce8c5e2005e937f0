import { type Answer, ask, type IssuerWorld, textIn } from "./world.ts";

export const minuteMs = 60_000;
export const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
export const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";
/** Tokens of ten minutes, of which one counts for an hour more. */
export const recovering = { recoverExpiredFor: "1h", maxAccessTTL: "10m", ownAudiences: ["api"] };
export const accessMs = 10 * minuteMs;
export const allow = { audiences: ["api", "admin"], scopes: ["read", "write"], subjects: ["user:*"], claims: ["team"] };

export const token = (pair: Answer): string => textIn(pair, "accessToken");

/** An exchange of this token, alone or beside credentials. */
export const recover = (
  world: IssuerWorld,
  text: string,
  { authorization, ...more }: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  ask(world, "/oauth2/token", {
    form: { grant_type: exchange, subject_token: text, subject_token_type: accessTokenType, ...more },
    ...(authorization !== undefined && { authorization }),
  });

export const inShort = ({ status, body }: Answer): readonly unknown[] => [status, body["error"], body["code"]];

export const heardOf = (world: IssuerWorld, event: string): readonly unknown[] =>
  world.heard.filter((one) => one["event"] === event);
