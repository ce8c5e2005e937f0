import { hubMessages } from "../../src/sessions/hub/hub-messages.ts";
import { sessionMessages } from "../../src/sessions/protocol/session-messages.ts";
import { bothWays, describeService, unary } from "./service-description.ts";

/** `keyturn.sessions.v1.Sessions` of the gateway's own descriptions, for grpc-js. */
export const sessionsDefinition = describeService("keyturn.sessions.v1.Sessions", {
  Sessions: {
    methods: { Connect: bothWays("ClientFrame", "ServerFrame"), Renew: unary("RenewRequest", "Renewed") },
  },
  ...sessionMessages,
});

/** The same of `keyturn.sessions.v1.Hub`. */
export const hubDefinition = describeService("keyturn.sessions.v1.Hub", {
  Hub: { methods: { Attach: bothWays("ApplicationFrame", "HubFrame") } },
  ...hubMessages,
});
