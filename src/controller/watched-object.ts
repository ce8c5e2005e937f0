import { isDeepStrictEqual } from "node:util";
import { lastStatus } from "../cluster/last-status.ts";
import type { KubeObject } from "../kube/object.ts";
import { labels } from "../parse/api-names.ts";

/** Enough of an object to know that it changed, and whose it is. */
export const tellingApart = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { name, namespace, uid, resourceVersion } = metadata;
  const rotation = metadata.labels?.[labels.rotation];
  const own = rotation === undefined ? {} : { labels: { [labels.rotation]: rotation } };
  return { apiVersion, kind, metadata: { name, ...own, ...defined({ namespace, uid, resourceVersion }) } };
};

const defined = (fields: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** Whether a JwtKeyRotation asks for the same as before: reports are no news. */
export const isSameWish = (before: KubeObject, object: KubeObject): boolean =>
  isDeepStrictEqual(wishes(before), wishes(object));

/** What a pass obeys. */
const wishes = ({ metadata: { uid, generation, annotations, deletionTimestamp } }: KubeObject): object => ({
  uid,
  generation,
  annotations,
  deletionTimestamp,
});

/** Somebody has reported on it. */
export const isReported = (resource: KubeObject): boolean => lastStatus(resource).conditions.length > 0;

/** By its label. */
export const rotationOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.[labels.rotation];
