/** Made once of each object, and gone with it: passes over a ring ask again and again. */
export function onceEach<From extends object, Made>(make: (from: From) => Made): (from: From) => Made {
  const made = new WeakMap<From, { readonly it: Made }>();
  return (from) => {
    const known = made.get(from) ?? { it: make(from) };
    made.set(from, known);
    return known.it;
  };
}
