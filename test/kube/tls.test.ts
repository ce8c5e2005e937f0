import type { ServerOptions } from "node:https";
import { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import type { ApiCredentials, Endpoint } from "../../src/kube/endpoint.ts";
import { newAuthority } from "./support/certificates.ts";
import { transportTo } from "./support/clients.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { json, type Reply, scriptServer, status } from "./support/script-server.ts";

const read = { method: "GET", path: "/version", what: "get it" } as const;
const ok = json(200, {});
const authority = newAuthority("cluster-ca");
const { cert, key } = authority.issue("kube-apiserver");
const server: ServerOptions = { cert, key };

/** Credentials that a test changes between calls. */
function changing(url: string, first: ApiCredentials) {
  const state = { credentials: first, refreshes: 0 };
  const endpoint: Endpoint = {
    server: url,
    credentials: () => Promise.resolve(state.credentials),
    refresh: () => void (state.refreshes += 1),
  };
  return { state, endpoint };
}

test("Transport believes a server whose certificate its CA signed, on one connection", async () => {
  const script = await scriptServer([ok], server);
  const transport = transportTo(changing(script.server, { tls: { ca: authority.cert } }).endpoint);
  for (let n = 0; n < 500; n++) await transport.call(read);
  expect(script.connections.opened).toBe(1);
});

test("Transport sends nothing to a server that another CA signed", async () => {
  const script = await scriptServer([ok], server);
  const { endpoint } = changing(script.server, { tls: { ca: newAuthority("other").cert }, token: "t" });
  const request = { ...read, method: "PUT", body: {}, totalMs: 50 } as const;
  const transport = transportTo(endpoint, { clock: new FakeClock() });
  await expect(transport.call(request)).rejects.toMatchObject({ code: "Unreachable", maybeDone: false });
  expect(script.calls).toEqual([]);
});

test("Transport takes new connections when the CA's certificates have changed, and leaves the old ones", async () => {
  const next = newAuthority("cluster-ca-2");
  const script = await scriptServer([ok], server);
  const { state, endpoint } = changing(script.server, { tls: { ca: authority.cert } });
  const transport = transportTo(endpoint);
  await transport.call(read);
  const [first] = script.calls;
  state.credentials = { tls: { ca: authority.cert + next.cert } };
  await transport.call(read);
  expect(script.connections.opened).toBe(2);
  await closed(first?.socket);
  // The same certificates again: no third connection
  state.credentials = { tls: { ca: authority.cert + next.cert } };
  await transport.call(read);
  expect(script.connections).toEqual({ opened: 2, open: 1 });
});

test("Transport lets a watch go on that began before the CA's certificates changed", async () => {
  const begun: Reply = (response) => void response.writeHead(200).write("one\n");
  let more: (text: string) => void = () => undefined;
  const script = await scriptServer(
    [
      (response, call) => {
        more = (text) => void response.end(text);
        begun(response, call);
      },
      ok,
    ],
    server,
  );
  const { state, endpoint } = changing(script.server, { tls: { ca: authority.cert } });
  const transport = transportTo(endpoint);
  const { chunks } = await transport.open(read);
  state.credentials = { tls: { ca: `${authority.cert}\n` } };
  await transport.call(read);
  more("two\n");
  const all: string[] = [];
  for await (const chunk of chunks) all.push(chunk.toString());
  expect(all.join("")).toBe("one\ntwo\n");
  // And its connection goes with it, for it was made with what is no longer trusted
  await closed(script.calls[0]?.socket);
  expect(script.connections.open).toBe(1);
});

test("Transport shows its client certificate, and the next one after a change", async () => {
  const names: unknown[] = [];
  const naming: Reply = (response, call) => {
    if (call.socket instanceof TLSSocket) names.push(call.socket.getPeerCertificate().subject.CN);
    ok(response, call);
  };
  const script = await scriptServer([naming], { ...server, ca: authority.cert, requestCert: true });
  const tls = { ca: authority.cert };
  const { state, endpoint } = changing(script.server, { tls: { ...tls, ...authority.issue("first") } });
  const transport = transportTo(endpoint);
  await transport.call(read);
  state.credentials = { tls: { ...tls, ...authority.issue("second") } };
  await transport.call(read);
  expect(names).toEqual(["first", "second"]);
});

test("Transport asks for fresh credentials after a 401 and tries once more, a write as well", async () => {
  const { server: url, calls } = await scriptServer([status(401, "Unauthorized"), ok]);
  const { state, endpoint } = changing(url, { tls: {}, token: "old" });
  const renewing: Endpoint = { ...endpoint, refresh: () => (state.credentials = { tls: {}, token: "new" }) };
  await transportTo(renewing).call({ ...read, method: "POST", body: {} });
  expect(calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
});

test("Transport gives up after the second 401", async () => {
  const { server: url, calls } = await scriptServer([status(401, "Unauthorized")]);
  const { state, endpoint } = changing(url, { tls: {}, token: "old" });
  await expect(transportTo(endpoint).call(read)).rejects.toMatchObject({ status: 401, code: "Unauthorized" });
  expect([calls.length, state.refreshes]).toEqual([2, 2]);
});

test("Transport says why there are no credentials", async () => {
  const { server: url, calls } = await scriptServer([ok]);
  const endpoint: Endpoint = {
    server: url,
    credentials: () => Promise.reject(new Error("file missing")),
    refresh: () => undefined,
  };
  await expect(transportTo(endpoint).call(read)).rejects.toMatchObject({
    code: "NoCredentials",
    message: "Cannot get it: no credentials: file missing",
  });
  expect(calls).toEqual([]);
});

const closed = (
  socket: { closed: boolean; once(event: "close", on: () => void): unknown } | undefined,
): Promise<void> =>
  new Promise((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
