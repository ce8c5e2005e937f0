import { bothWays, describeService, unary } from "../../../grpc/service-description.ts";
import { sessionMessages } from "../../protocol/session-messages.ts";

/** `keyturn.sessions.v1.Sessions`, for a server of grpc-js. */
export const sessionsDefinition = describeService("keyturn.sessions.v1.Sessions", {
  Sessions: {
    methods: { Connect: bothWays("ClientFrame", "ServerFrame"), Renew: unary("RenewRequest", "Renewed") },
  },
  ...sessionMessages,
});
