import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Ports of the examples in docs/gateway.md. */
const shown = { gateway: 8080, grpc: 9001, proxy: 8000, application: 3000 };
export type ProxyPorts = Readonly<Record<keyof typeof shown, number>>;

const docs = join(import.meta.dirname, "../../../docs/gateway.md");

/** The first example, or the first of a language, that stands under a heading of docs/gateway.md; with other ports. */
export async function example(heading: string, ports: ProxyPorts, language = "(?!sh$).*?"): Promise<string> {
  const text = await readFile(docs, "utf8");
  const section = text.split(/^#+ /m).find((one) => one.startsWith(`${heading}\n`)) ?? "";
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(section)?.[1];
  if (found === undefined) throw new Error(`docs/gateway.md shows no example for ${heading}`);
  return found.replaceAll(/(?<=127\.0\.0\.1:|http:\/\/:|port_value: )\d+/g, (port) => {
    const [name] = Object.entries(shown).find(([, known]) => known === Number(port)) ?? [];
    return String(ports[name as keyof ProxyPorts]);
  });
}
