import type { Reflector } from "../kube/reflector.ts";

/** One watch, and why it sees nothing. */
export interface Sighting {
  readonly resource: string;
  /** Empty: all. */
  readonly namespace: string;
  /** How long ago the server last said something, in milliseconds; absent before the first list. */
  readonly silenceMs?: number;
  /** One line; absent while it sees. */
  readonly problem?: string;
}

/** Why it sees nothing; undefined while it does. One that says nothing for longer than `mostSilenceMs` sees nothing. */
export function problemOf(reflector: Reflector, mostSilenceMs: number): string | undefined {
  const { trouble } = reflector;
  if (trouble !== undefined) return trouble.message;
  const silenceMs = reflector.silenceMs();
  if (silenceMs === undefined) return "not listed yet";
  return silenceMs <= mostSilenceMs ? undefined : `nothing came for ${Math.round(silenceMs / 1000)} s`;
}

/** `pods in namespace "shop"` */
export const sightingName = ({ resource, namespace }: Pick<Sighting, "resource" | "namespace">): string =>
  namespace === "" ? `${resource} in all namespaces` : `${resource} in namespace "${namespace}"`;
