import { Gauge, type Registry } from "prom-client";
import type { Sighting } from "./sightings.ts";

/** Which watches see what they are to see, and how long each has heard nothing; asked for when somebody looks. */
export function measureWatches(registry: Registry, sightings: () => readonly Sighting[]): void {
  const gauge = (name: string, help: string, read: (one: Sighting) => number | undefined): void => {
    const collect = (): void => {
      for (const one of sightings()) {
        const { namespace, resource } = one;
        const value = read(one);
        if (value !== undefined) all.set({ namespace, resource }, value);
      }
    };
    const labelNames = ["namespace", "resource"] as const;
    const all = new Gauge({
      name,
      help: `${help}; namespace is empty for all`,
      labelNames,
      registers: [registry],
      collect,
    });
  };
  gauge("keyturn_watch_up", "1: what is to be watched can be seen, 0: it can't", ({ problem }) =>
    problem === undefined ? 1 : 0,
  );
  gauge("keyturn_watch_silence_seconds", "Seconds since the server last said something to a watch", ({ silenceMs }) =>
    silenceMs === undefined ? undefined : silenceMs / 1000,
  );
}
