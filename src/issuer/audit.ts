import type { Log } from "../telemetry/log.ts";
import type { IssuerEvent } from "./tokens/issuer-event.ts";

/** Writes each event as a line of the log, with `event` in its fields. A renewal in its turn is told at the level `debug`: there are many. */
export const auditTo =
  (log: Log) =>
  (event: IssuerEvent): void => {
    switch (event.kind) {
      case "issued":
        log.info(fieldsOf("token.issue", event), "an access token is given out");
        return;
      case "begun":
        log.info(fieldsOf("grant.begin", event), "a grant begins");
        return;
      case "renewed":
        if (event.why === "current") log.debug(fieldsOf("grant.renew", event), "a grant is renewed");
        else log.info(fieldsOf("grant.renew", event), "a grant is renewed, out of turn");
        return;
      case "refused":
        log.info({ event: "grant.refuse", reason: event.reason, ...event.whose }, "a refresh token is refused");
        return;
      case "reused":
        log.warn(fieldsOf("grant.reuse", event), "a refresh token was used twice: its grant ends");
        return;
      case "recovered":
        log.info(fieldsOf("grant.recover", event), "a grant goes on by its newest access token, which has expired");
        return;
      case "notRecovered":
        log.info(fieldsOf("grant.recover_refuse", event), "an access token that has expired is refused");
        return;
      case "revoked":
        log.info(fieldsOf("grant.revoke", event), "a grant is revoked");
        return;
      case "tokenRevoked":
        log.info(fieldsOf("token.revoke", event), "an access token is revoked");
        return;
      default:
        event satisfies never;
    }
  };

const fieldsOf = (event: string, { kind: _kind, ...rest }: IssuerEvent): object => ({ event, ...rest });
