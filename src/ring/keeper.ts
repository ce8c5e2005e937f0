/** Who carries a rotation out, as far as it can be told from outside. */
export type Keeper =
  /** For people: `process 4711 on host-1, since 2026-11-21T10:00:00Z`. */
  | { readonly kind: "acts"; readonly who: string }
  /** Nothing happens, not even in an emergency, before a person has changed that. Why, and what to do: a clause each. */
  | { readonly kind: "nobody"; readonly why: string; readonly remedy: string }
  | { readonly kind: "unknown"; readonly why: string };
