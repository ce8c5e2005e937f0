import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type ClientDuplexStream, credentials, type ServiceDefinition, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { onTestFinished } from "vitest";
import type { RegistryRules } from "../../../../src/sessions/core/session-registry.ts";
import { openHub } from "../../../../src/sessions/hub/open-hub.ts";
import { SessionHub } from "../../../../src/sessions/hub/session-hub.ts";
import {
  cleaned,
  type Heard,
  Inbox,
  overGrpc,
  type SessionClient,
  type Transport,
} from "../../faces/support/clients.ts";
import { Gateway } from "../../faces/support/gateway.ts";
import { turn } from "../../../support/fake-clock.ts";
import { HeardLog } from "../../../support/heard-log.ts";

const published = join(import.meta.dirname, "../../../../proto/keyturn/sessions/v1/hub.proto");

/** As any application would: from the file that is published. */
export const hubService = loadSync(published, { longs: Number, defaults: true, oneofs: true })[
  "keyturn.sessions.v1.Hub"
] as ServiceDefinition;

export const alice = (instanceId: string) => ({ subject: "alice", instanceId });
/** A message of a peer. */
export const up = (seq: number, text: string) => ({ message: { seq, id: `u${seq}`, payload: Buffer.from(text) } });
export const received = (seq: number) => ({ received: { seq } });
export const taken = (instanceId: string, lineage: string, seq: number) => ({
  taken: { peer: alice(instanceId), lineage, seq },
});
/** A message of the application. */
export const down = (instanceId: string, id: string) => ({
  send: { peer: alice(instanceId), id, payload: Buffer.from(`text of ${id}`) },
});
export const closed = (instanceId: string, sessionId: string, code: string) => ({
  ...{ peer: alice(instanceId), sessionId, code },
});
export const textOf = (payload: unknown): string => Buffer.from(payload as Uint8Array).toString();

/** How an attachment ended. */
interface AttachmentEnd {
  readonly status: string;
  readonly code: string | undefined;
  readonly retry: string | undefined;
}

/** An application that says nothing by itself. */
export class Application {
  readonly stream: ClientDuplexStream<object, object>;
  readonly ended: Promise<AttachmentEnd>;
  readonly #client: Client;
  readonly #inbox = new Inbox();

  /** @param serialize - Of what is no frame */
  constructor(path: string, serialize?: (value: object) => Buffer) {
    const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
    this.#client = new Client(`unix:${path}`, credentials.createInsecure(), options);
    const method = hubService["Attach"];
    if (method === undefined) throw new Error("there is no method Attach");
    this.stream = this.#client.makeBidiStreamRequest(
      ...([method.path, serialize ?? method.requestSerialize, method.responseDeserialize] as const),
    );
    this.stream.on("data", (frame: object) => this.#inbox.put(cleaned(frame), JSON.stringify(frame)));
    this.stream.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.stream.on("status", ({ code, metadata }) => {
        const [said] = metadata.get("keyturn-code");
        const [retry] = metadata.get("keyturn-retry");
        resolve({ status: status[code], code: said?.toString(), retry: retry?.toString() });
      });
    });
    onTestFinished(() => this.#client.close());
  }

  get heard(): readonly Heard[] {
    return this.#inbox.heard;
  }

  /** Everything that came, as text. */
  get texts(): readonly string[] {
    return this.#inbox.texts;
  }

  /** All frames of this kind that have come. */
  kinds(kind: string): readonly Readonly<Record<string, unknown>>[] {
    return this.heard.map((frame) => frame[kind]).filter((one) => one !== undefined);
  }

  say(frame: object): void {
    this.stream.write(frame);
  }

  /** The next frame of this kind, after those that were asked for before. */
  async next(kind: string): Promise<Readonly<Record<string, unknown>>> {
    return (await this.#inbox.next(kind))[kind] ?? {};
  }

  /** As if it was killed: its connection is gone, with whatever had come and was not read. */
  kill(): void {
    this.#client.close();
    this.stream.cancel();
  }
}

/** A gateway with sessions over a real port and a hub on a real Unix socket. */
export class HubScene {
  readonly gateway: Gateway;
  readonly hub: SessionHub;
  readonly log: HeardLog;
  readonly path: string;
  /** As the gateway does at its end. */
  readonly drain: () => Promise<void>;

  /** What the hub has told its observer. */
  readonly counts: { readonly redelivered: number };

  private constructor(parts: Pick<HubScene, "gateway" | "hub" | "log" | "path" | "drain" | "counts">) {
    this.counts = parts.counts;
    this.gateway = parts.gateway;
    this.hub = parts.hub;
    this.log = parts.log;
    this.path = parts.path;
    this.drain = parts.drain;
  }

  static async open(rules: Partial<RegistryRules> = {}, transport: Transport = overGrpc): Promise<HubScene> {
    const log = new HeardLog();
    const counts = { redelivered: 0 };
    const hub = new SessionHub(log, { redelivered: () => counts.redelivered++ });
    const gateway = await Gateway.serving(transport, rules, hub);
    const directory = await mkdtemp(join(tmpdir(), "keyturn-hub-"));
    const path = join(directory, "hub.sock");
    const listener = await openHub({ kind: "unix", path }, hub, gateway.service);
    let drained: Promise<void> | undefined;
    const drain = (): Promise<void> => (drained ??= listener.drain(1000));
    onTestFinished(async () => {
      await drain();
      await rm(directory, { recursive: true });
    });
    return new HubScene({ gateway, hub, log, path, drain, counts });
  }

  /** Attached, and told of whatever is there. */
  async application(): Promise<Application> {
    const application = new Application(this.path);
    await application.next("ready");
    return application;
  }

  /** An application that is gone, and the hub has noticed. */
  async killed(application: Application): Promise<void> {
    const before = this.log.lines.length;
    application.kill();
    await this.log.heard("the application has left the hub", before);
  }

  /** Resolves once it holds; looked at in every turn of the event loop. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await turn();
  }

  /** So many messages of peers wait to be taken. */
  waiting(count: number): Promise<void> {
    const { service } = this.gateway;
    const waits = (): number =>
      [...service.peers()].reduce((sum, peer) => sum + (service.find(peer)?.inbox.waiting.length ?? 0), 0);
    return this.until(() => waits() === count);
  }

  /** A peer whose session is open. */
  async peer(instanceId: string, { token = this.gateway.token(), ...resume }: PeerOptions = {}): Promise<OpenPeer> {
    const client = this.gateway.open(token);
    client.say({ hello: { instanceId, ...resume } });
    const { accepted: terms = {} } = await client.next("accepted");
    return { client, terms, id: String(terms["sessionId"]) };
  }
}

interface PeerOptions {
  readonly token?: string;
  readonly resume?: { readonly sessionId: string; readonly received: number };
}

interface OpenPeer {
  readonly client: SessionClient;
  readonly terms: Readonly<Record<string, unknown>>;
  readonly id: string;
}
