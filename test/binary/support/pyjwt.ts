import { pythonWith } from "./python.ts";

/** The Python of a virtual environment that has PyJWT; or why there is none. */
export const pythonWithPyJwt = () =>
  pythonWith({ name: "pyjwt-2.15.1", requirements: ["PyJWT[crypto]==2.15.1"], modules: ["jwt", "cryptography"] });
