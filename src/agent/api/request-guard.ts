import type { IncomingMessage } from "node:http";
import { namesThisMachine } from "../../http/local-only.ts";
import type { Problem } from "../../http/problem.ts";

/** What every request to an agent says. A web page can't, unless it asks first, and is never answered to that (Fetch Standard, CORS). */
export const agentHeader = ["keyturn-agent", "1"] as const;

/** Browsers alone send these. Not `Sec-Fetch-Mode`: fetch of Node.js sends it, too. */
const ofBrowsers = /^(?:origin|referer|cookie|sec-(?!fetch-mode$).*|access-control-.*)$/;
/** Proxies add these: whoever asks is not on this machine. */
const ofProxies = /^(?:forwarded|via|x-forwarded-.*|x-real-ip)$/;
/** Nobody shows a credential here: it was meant for somebody else. */
const ofCallers = /^(?:proxy-)?authorization$/;

const allowed: Problem | undefined = undefined;

/**
 * Why a request is not listened to, whatever it asks for; undefined for one that is.
 *
 * @param isTcp - Its `Host` must be a name of this machine with the port that it came to: nobody reaches a Unix socket by a name of his own
 */
export function guardProblem(request: IncomingMessage, isTcp: boolean): Problem | undefined {
  const { rawHeaders, headers, socket } = request;
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (seen.has(name)) return repeated;
    seen.add(name);
    const problem = headerProblem(name);
    if (problem) return problem;
  }
  if (isTcp && !namesThisMachine(headers.host, socket.localPort ?? 0)) return wrongHost;
  const [name, value] = agentHeader;
  return headers[name] === value ? allowed : missing;
}

function headerProblem(name: string): Problem | undefined {
  if (ofBrowsers.test(name)) return fromBrowser;
  if (ofProxies.test(name)) return fromProxy;
  return ofCallers.test(name) ? credentials : allowed;
}

const repeated: Problem = { status: 400, code: "HeaderRepeated", title: "No header may stand twice" };
const fromBrowser: Problem = { status: 403, code: "BrowserNotAllowed", title: "Not for web pages" };
const fromProxy: Problem = { status: 403, code: "ProxyNotAllowed", title: "Not through a proxy" };
const credentials: Problem = { status: 400, code: "CredentialsNotWanted", title: "No credential may be shown here" };
const wrongHost: Problem = {
  status: 421,
  code: "HostNotAllowed",
  title: "The Host must be a name of this machine itself, with the port",
};
const missing: Problem = {
  status: 403,
  code: "AgentHeaderMissing",
  title: "The header Keyturn-Agent: 1 must be there",
};
