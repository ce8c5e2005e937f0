import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { freePort } from "../../../hack/free-port.ts";
import { run } from "../../../hack/run.ts";
import { atOnce, connections } from "../grants.ts";
import { start, untilOk } from "../sidecar/processes.ts";
import { onMeasuredCore } from "./pinned.ts";
import type { Renewals } from "./load.ts";

/** Grants that each client renews in turn. Hydra has no bound on how often one is renewed. */
const grantsOfClient = 2;
const callback = "http://127.0.0.1/callback";

export interface HydraProcess {
  readonly child: ChildProcess;
  readonly renewals: Renewals;
}

/** Ory Hydra with its opaque access tokens, on an empty database, on a core of its own; and clients that have gone through its login. */
export async function hydraOn(program: string, database: string, folder: string): Promise<HydraProcess> {
  const [port, admin] = [await freePort(), await freePort()];
  const config = join(folder, "hydra.json");
  const dsn = `${database}?sslmode=disable&max_conns=${connections}`;
  await writeFile(config, JSON.stringify(settings({ dsn, port, admin })));
  const { code, output } = await run([program, "migrate", "sql", "--yes", "--config", config, dsn]);
  if (code !== 0) throw new Error(`Cannot make Hydra's schema:\n${output}`);
  const child = start(onMeasuredCore[0], [
    ...onMeasuredCore.slice(1),
    ...[program, "serve", "all", "--dev", "--sqa-opt-out", "--config", config],
  ]);
  await untilOk(admin, "/health/ready");
  const hydra = new Hydra(`http://127.0.0.1:${port}`, `http://127.0.0.1:${admin}`);
  const id = await hydra.newClient();
  const clients: string[][] = [];
  for (let n = 0; n < atOnce; n++) {
    const tokens: string[] = [];
    while (tokens.length < grantsOfClient) tokens.push(await hydra.login(id));
    clients.push(tokens);
  }
  return { child, renewals: { port, parameters: `client_id=${id}`, clients } };
}

const settings = ({ dsn, port, admin }: { dsn: string; port: number; admin: number }): object => ({
  dsn,
  log: { level: "error" },
  serve: { public: { host: "127.0.0.1", port }, admin: { host: "127.0.0.1", port: admin } },
  urls: {
    self: { issuer: `http://127.0.0.1:${port}` },
    login: "http://127.0.0.1/login",
    consent: "http://127.0.0.1/consent",
  },
  secrets: { system: ["a secret of the bench alone"] },
});

/** Its API, and a browser that says yes to everything. */
class Hydra {
  readonly #public: string;
  readonly #admin: string;

  constructor(ofPublic: string, ofAdmin: string) {
    this.#public = ofPublic;
    this.#admin = ofAdmin;
  }

  /** Without a secret, as a program on somebody's machine is: to check one costs more. */
  async newClient(): Promise<string> {
    const client = {
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [callback],
      scope: "offline_access",
      token_endpoint_auth_method: "none",
    };
    return textIn(await asked(`${this.#admin}/admin/clients`, "POST", client), "client_id");
  }

  /** A refresh token. */
  async login(clientId: string): Promise<string> {
    const query = new URLSearchParams({
      ...{ client_id: clientId, response_type: "code", scope: "offline_access" },
      ...{ redirect_uri: callback, state: "a state of the bench" },
    });
    const cookies = new Map<string, string>();
    const accept = async (what: "login" | "consent", at: URL, body: object): Promise<URL> => {
      const challenge = `${what}_challenge=${encodeURIComponent(at.searchParams.get(`${what}_challenge`) ?? "")}`;
      const answer = await asked(`${this.#admin}/admin/oauth2/auth/requests/${what}/accept?${challenge}`, "PUT", body);
      return followed(textIn(answer, "redirect_to"), cookies);
    };
    const login = await followed(`${this.#public}/oauth2/auth?${query.toString()}`, cookies);
    const consent = await accept("login", login, { subject: "agent" });
    const back = await accept("consent", consent, { grant_scope: ["offline_access"] });
    const form = {
      grant_type: "authorization_code",
      code: back.searchParams.get("code") ?? "",
      redirect_uri: callback,
    };
    const body = new URLSearchParams({ ...form, client_id: clientId });
    const answer: unknown = await (await fetch(`${this.#public}/oauth2/token`, { method: "POST", body })).json();
    return textIn(answer, "refresh_token");
  }
}

/** Where it sends the browser on. */
async function followed(url: string, cookies: Map<string, string>): Promise<URL> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const answer = await fetch(url, { redirect: "manual", headers: { cookie } });
  await answer.arrayBuffer();
  for (const line of answer.headers.getSetCookie()) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    cookies.set(name, value);
  }
  return new URL(answer.headers.get("location") ?? "", url);
}

async function asked(url: string, method: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return (await fetch(url, { method, headers, body: JSON.stringify(body) })).json();
}

function textIn(answer: unknown, name: string): string {
  const value: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
  if (typeof value === "string") return value;
  throw new Error(`Cannot use Hydra's answer: must have ${name}`);
}
