import { addressText } from "../../http/address.ts";
import { FollowedFiles } from "../../files/followed-files.ts";
import type { SmallFiles } from "../../files/small-files.ts";
import { readCa } from "../../http/read-ca.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { ProxySpec } from "../agent-spec.ts";
import { Upstream } from "./upstream.ts";

export interface OpenUpstream {
  readonly upstream: Upstream;
  readonly close: () => void;
}

interface UpstreamParts {
  readonly files: SmallFiles;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Where a proxy leads. A CA that is written over the one before counts for the next connection; one that can't be used is refused, and the one before
 * stays in force.
 *
 * @throws ChangeNeededError `FileUnreadable`, `FileUnfit`
 */
export async function openUpstream(
  { upstream: url, caFile, listen }: ProxySpec,
  { files, clock, log }: UpstreamParts,
): Promise<OpenUpstream> {
  if (caFile === undefined) return opened(new Upstream(url));
  const fields = { address: addressText(listen), path: caFile };
  const followed = await FollowedFiles.open<string>({
    what: "the CA of an upstream",
    read: () => readCa(files, caFile),
    filesOf: () => [caFile],
    isSame: (one, another) => one === another,
    take: (ca, isFirst) => {
      if (isFirst) return;
      upstream.trust(ca);
      log.info(fields, "another CA of the upstream is in force");
    },
    tell: (refused) => {
      if (refused === undefined) return;
      const { code, message } = refused;
      log.error({ ...fields, code }, `the upstream's CA can't be used, the one before stays in force: ${message}`);
    },
    clock,
  });
  const upstream = new Upstream(url, followed.current);
  const ending = new AbortController();
  void followed.run(ending.signal);
  return opened(upstream, () => ending.abort());
}

const opened = (upstream: Upstream, end: () => void = () => undefined): OpenUpstream => ({
  upstream,
  close: () => {
    end();
    upstream.close();
  },
});
