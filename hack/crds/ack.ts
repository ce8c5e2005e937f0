import { verifiesLimit } from "../../src/ring/ack-document.ts";
import { longest } from "../../src/ring/codec/wire.ts";
import { texts } from "../../src/ring/resource/limits.ts";
import { type Column, type CustomResourceDefinition, definition } from "./definition.ts";
import { flag, object, plain, type Schema, setOf, text, whole } from "./schema.ts";
import { keyRingAcks } from "../../src/parse/api-names.ts";

/** The name alone, a pod's uid and the rotation, is half of what a terminal has. */
const columns: readonly Column[] = [
  { name: "Pod", type: "string", jsonPath: ".podName", description: "The gateway." },
  { name: "Generation", type: "integer", jsonPath: ".generation", description: "The ring that it has in memory." },
  { name: "Rotation", type: "string", jsonPath: ".rotation", priority: 1, description: "The JwtKeyRotation." },
  { name: "Signs", type: "string", jsonPath: ".signs", priority: 1, description: "Kid that it signs with." },
  {
    name: "Age",
    type: "date",
    jsonPath: ".metadata.creationTimestamp",
    priority: 1,
    description: "Time since its first acknowledgement.",
  },
];

/** Of what a gateway says, below apiVersion, kind and metadata. */
export const ackSchema: Schema = object(
  "What a gateway pod says of the key ring that it has in memory. Written by the pod itself, named <pod uid>.<rotation>, and removed with it.",
  {
    rotation: text("Name of the JwtKeyRotation, in the same namespace.", texts.name),
    podName: plain("Name of the pod.", { minLength: 1, maxLength: longest.name }),
    generation: whole("Generation of the ring; 0 while the gateway starts, which confirms nothing.", { minimum: 0 }),
    writeId: plain("Which write of that generation the ring is.", { minLength: 1, maxLength: longest.writeId }),
    verifies: setOf(text("A kid.", texts.kid), "Kids that it accepts.", { maxItems: verifiesLimit }),
    signs: text("Kid that it signs with; absent when it does not mint.", texts.kid),
    sourceUnfit: flag(
      "The object that it reads is not there, or holds no ring, or an older one: the controller is to look.",
    ),
  },
  {
    required: ["rotation", "podName", "generation", "verifies"],
    "x-kubernetes-validations": [
      {
        rule: 'self.metadata.name.endsWith("." + self.rotation)',
        message: "metadata.name: must be <pod uid>.<rotation>",
      },
    ],
  },
);

/** What a gateway says of the ring that it has in memory. */
export const keyRingAckDefinition: CustomResourceDefinition = definition({
  names: keyRingAcks,
  shortName: "kra",
  columns,
  hasStatus: false,
  schema: ackSchema,
});
