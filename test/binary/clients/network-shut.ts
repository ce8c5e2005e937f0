// node --import network-shut.ts?log=<file> …: a process that reaches nobody, itself included. Whoever tries is written down there.
import { appendFileSync } from "node:fs";
// The modules themselves, not copies of what they export
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const log = new URL(import.meta.url).searchParams.get("log") ?? "";

function refuse(what: string): never {
  appendFileSync(log, `${what}\n`);
  throw new Error(`The network is shut: ${what}`);
}

// Every client's connection begins here: TCP, TLS, Unix sockets, fetch
net.Socket.prototype.connect = () => refuse("connect");
dgram.Socket.prototype.send = () => refuse("send");
// An address is looked up, too, by whoever listens on it: nobody is asked for that
const { lookup } = dns;
dns.lookup = new Proxy(lookup, {
  apply: (target, self, args: Parameters<typeof lookup>) =>
    net.isIP(args[0]) === 0 ? refuse("lookup") : Reflect.apply(target, self, args),
});
syncBuiltinESMExports();
