import { Client, credentials } from "@grpc/grpc-js";
import { hubDefinition } from "../../support/session-services.ts";

interface Delivery {
  readonly peer: object;
  readonly lineage: string;
  readonly seq: number;
  readonly id: string;
  readonly payload: Uint8Array;
}

interface HubFrame {
  readonly ready?: object | null;
  readonly delivery?: Delivery | null;
}

/** An application at a gateway's hub: takes each message, and gives it back under the id that is made of its own. */
export async function attach(
  socket: string,
  heard: (delivery: Delivery) => void = () => undefined,
): Promise<() => void> {
  const { Attach: method } = hubDefinition;
  if (method === undefined) throw new Error("there is no method Attach");
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest<object, HubFrame>(
    ...([method.path, method.requestSerialize, method.responseDeserialize as (bytes: Buffer) => HubFrame] as const),
  );
  stream.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    stream.on("data", ({ ready, delivery }: HubFrame) => {
      if (ready) resolve();
      if (!delivery) return;
      const { peer, lineage, seq, id, payload } = delivery;
      heard(delivery);
      stream.write({ taken: { peer, lineage, seq } });
      stream.write({ send: { peer, id: `back ${id}`, payload } });
    });
  });
  return () => client.close();
}
