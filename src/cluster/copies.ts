/** Annotations in which tools keep the whole object as it was applied; some pack it, so that only the name says so. */
const wholeObjects = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "kapp.k14s.io/original",
  "kapp.k14s.io/original-diff",
  "kapp.k14s.io/original-diff-full",
  "banzaicloud.com/last-applied",
  "objectset.rio.cattle.io/applied",
];

/** `PRIVATE KEY` of a PEM and `"d":` of a JWK, as they are, in a JSON text in a text, and in base64 at each of its three offsets. */
const privateHalf = /PRIVATE KEY|\\*"d\\*"\s*:|UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW|ImQiO|JkIjo|iZCI6/;

/**
 * True for an annotation that holds a copy of what the object held: it would keep a private half readable for ever, to
 * whoever may read metadata alone.
 */
export const isCopy = (name: string, value: string): boolean => wholeObjects.includes(name) || privateHalf.test(value);
