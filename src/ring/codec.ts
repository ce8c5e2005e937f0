export { decodeKeyRing, type KeyRing } from "./codec/decode.ts";
export { encodeKeyRing } from "./codec/encode.ts";
export { type ProjectionName, type RingObject } from "./codec/wire.ts";
