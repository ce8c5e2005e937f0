import type { WireMessages } from "../../parse/protobuf.ts";

const field = (type: string, id: number) => ({ type, id });
const message = <T extends WireMessages[string]["fields"]>(fields: T) => ({ fields });

const peer = field("Peer", 1);

/** proto/keyturn/sessions/v1/hub.proto as data; a test holds the two together. Of a oneof the members alone are on the wire. */
export const hubMessages = {
  ApplicationFrame: message({ taken: field("Taken", 1), send: field("Send", 2), remove: field("Remove", 3) }),
  HubFrame: message({
    opened: field("Opened", 1),
    closed: field("Closed", 2),
    delivery: field("Delivery", 3),
    sent: field("Sent", 4),
    ready: field("Ready", 5),
  }),
  Peer: message({ subject: field("string", 1), instanceId: field("string", 2) }),
  Opened: message({
    peer,
    sessionId: field("string", 2),
    generation: field("uint32", 3),
    resumed: field("bool", 4),
    lineage: field("string", 5),
    claimsJson: field("string", 6),
    kid: field("string", 7),
  }),
  Closed: message({ peer, sessionId: field("string", 2), code: field("string", 3) }),
  Delivery: message({
    peer,
    lineage: field("string", 2),
    seq: field("uint32", 3),
    id: field("string", 4),
    payload: field("bytes", 5),
    redelivered: field("bool", 6),
    claimsJson: field("string", 7),
  }),
  Taken: message({ peer, lineage: field("string", 2), seq: field("uint32", 3) }),
  Send: message({ peer, id: field("string", 2), payload: field("bytes", 3) }),
  Sent: message({ peer, id: field("string", 2), outcome: field("string", 3) }),
  Remove: message({ peer }),
  Ready: message({}),
};
