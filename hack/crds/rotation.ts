import { texts } from "../../src/ring/resource/limits.ts";
import { type Column, type CustomResourceDefinition, definition } from "./definition.ts";
import { object } from "./schema.ts";
import { specSchema } from "./spec.ts";
import { statusSchema } from "./status.ts";
import { rotations } from "../../src/parse/api-names.ts";

const conditionStatus = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;

const columns: readonly Column[] = [
  { name: "Active", type: "string", jsonPath: ".status.activeKid", description: "Kid of the key that signs." },
  { name: "Algorithm", type: "string", jsonPath: ".spec.algorithm", description: "JWS algorithm of new keys." },
  {
    name: "Ready",
    type: "string",
    jsonPath: conditionStatus("Ready"),
    description: "Whether every verifier accepts the key that signs.",
  },
  // A date in the future would be shown as <invalid>
  {
    name: "Next",
    type: "string",
    jsonPath: ".status.nextRotationTime",
    description: "When the next key is planned to sign.",
  },
  {
    name: "Waiting for",
    type: "string",
    jsonPath: ".status.waitingFor",
    description: "What the rotation waits for now.",
  },
  {
    name: "Gateways",
    type: "string",
    jsonPath: ".status.gateways.summary",
    priority: 1,
    description: "Gateways with the newest ring, of those that run.",
  },
  {
    name: "Pinned",
    type: "string",
    jsonPath: conditionStatus("Pinned"),
    priority: 1,
    description: "Whether spec.activeKid holds the signer.",
  },
  {
    name: "Last",
    type: "date",
    jsonPath: ".status.lastRotationTime",
    priority: 1,
    description: "Time since the last rotation.",
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since it was created." },
];

const secretNameOf = (self: string): string =>
  `(has(${self}.spec.secretName) ? ${self}.spec.secretName : ${self}.metadata.name)`;

/** The custom resource that rotates keys. */
export const rotationDefinition: CustomResourceDefinition = definition({
  names: rotations,
  shortName: "jkr",
  columns,
  hasStatus: true,
  schema: object(
    "A ring of keys that sign JWTs, rotated without a restart and without one valid token refused.",
    { spec: specSchema, status: statusSchema },
    {
      required: ["spec"],
      "x-kubernetes-validations": [
        {
          // The server itself holds the rest
          rule: `self.metadata.name.size() <= ${texts.name.most}`,
          // A fieldPath can't lead into the metadata
          message: `metadata.name: ${texts.name.must}`,
        },
        {
          rule: `${secretNameOf("self")} == ${secretNameOf("oldSelf")}`,
          message: "must stay what it was when the resource was created",
          messageExpression: `"must stay \\"" + ${secretNameOf("oldSelf")} + "\\", which is mounted by others; make another JwtKeyRotation for another Secret"`,
          fieldPath: ".spec.secretName",
        },
      ],
    },
  ),
});
