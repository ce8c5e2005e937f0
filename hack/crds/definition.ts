import type { Schema } from "./schema.ts";
import { apiVersion } from "../../src/parse/api-names.ts";

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 1;
}

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

interface Sketch {
  readonly names: { readonly group: string; readonly version: string; readonly plural: string; readonly kind: string };
  readonly shortName: string;
  readonly columns: readonly Column[];
  readonly hasStatus: boolean;
  /** Of everything below apiVersion, kind and metadata. */
  readonly schema: Schema;
}

const typeMeta = {
  apiVersion: { type: "string", description: `The group and its version: ${apiVersion}.` },
  kind: { type: "string", description: "The kind." },
  metadata: { type: "object" },
};

/** A namespaced custom resource of the group keyturn.dev, in its one version. */
export function definition(sketch: Sketch): CustomResourceDefinition {
  const { shortName, columns, hasStatus, schema } = sketch;
  const { group, version: name, plural, kind } = sketch.names;
  const version = {
    name,
    served: true,
    storage: true,
    ...(hasStatus && { subresources: { status: {} } }),
    additionalPrinterColumns: columns,
    schema: { openAPIV3Schema: { ...schema, properties: { ...typeMeta, ...schema.properties } } },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ["keyturn"],
      },
      versions: [version],
    },
  };
}
