// Plain JavaScript, as a service has it: run where @keyturn/client is installed. Reads {id, token}, answers {id, verdict, atMs}.
import { createInterface } from "node:readline";
import { openVerifier } from "@keyturn/client/verify";

const [source, issuer, audience] = process.argv.slice(2);
const where = source.startsWith("http") ? { jwksURL: source } : { directory: source };
const verifier = await openVerifier(where, { issuer, audience, clockSkewMs: 0 });
const words = { Expired: "expired", KidUnknown: "unknown kid", SignatureInvalid: "bad signature" };

for await (const line of createInterface({ input: process.stdin })) {
  const { id, token } = JSON.parse(line);
  const verdict = await verifier.verify(token);
  const said = verdict.ok ? "valid" : (words[verdict.reason] ?? verdict.reason);
  console.log(JSON.stringify({ id, verdict: said, atMs: Date.now() }));
}
