export { decodeKeyRing, type KeyRing } from "./codec/decode.ts";
export { encodeKeyRing } from "./codec/encode.ts";
export { keyRingFormat, type ProjectionName, type RingObject } from "./codec/wire.ts";
export { sizeLimit } from "./codec/json-text.ts";
