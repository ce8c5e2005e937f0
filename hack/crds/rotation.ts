import { texts } from "../../src/ring/resource/limits.ts";
import { type Column, type CustomResourceDefinition, definition } from "./definition.ts";
import { object } from "./schema.ts";
import { specSchema } from "./spec.ts";
import { statusSchema } from "./status.ts";
import { rotations } from "../../src/parse/api-names.ts";

const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`;

/** At most 100 columns of a terminal, with a long name; what a printer column can't show stands in status.columns. */
const columns: readonly Column[] = [
  {
    name: "Ready",
    type: "string",
    jsonPath: condition("Ready", "status"),
    description: "Whether every verifier accepts the key that signs.",
  },
  {
    name: "Reason",
    type: "string",
    jsonPath: condition("Ready", "reason"),
    description: "Why: docs/conditions.md has what to do.",
  },
  {
    name: "Active",
    type: "string",
    jsonPath: ".status.columns.active",
    description: "The key that signs, by the beginning of its kid.",
  },
  {
    name: "Next",
    type: "string",
    jsonPath: ".status.columns.next",
    description: "How long until the next key is planned to sign, or why there is no time.",
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since it was created." },
  {
    name: "Algorithm",
    type: "string",
    jsonPath: ".spec.algorithm",
    priority: 1,
    description: "JWS algorithm of new keys.",
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
    jsonPath: condition("Pinned", "status"),
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
  // A date in the future would be shown as <invalid>
  {
    name: "Next at",
    type: "string",
    jsonPath: ".status.nextRotationTime",
    priority: 1,
    description: "When the next key is planned to sign.",
  },
  {
    name: "Kid",
    type: "string",
    jsonPath: ".status.activeKid",
    priority: 1,
    description: "Kid of the key that signs.",
  },
  {
    name: "Waiting for",
    type: "string",
    jsonPath: ".status.waitingFor",
    priority: 1,
    description: "What the rotation waits for now.",
  },
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
