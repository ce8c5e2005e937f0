import { keyturnImage } from "../../../hack/docker/keyturn-image.ts";
import { names, rotationSpec } from "./names.ts";

type Spec = Readonly<Record<string, unknown>>;

/** Values of the chart: the image of this tree, and no rotation yet. */
export const installed = { image: { ...keyturnImage, pullPolicy: "Never" } } as const;

/** The release with its rotation, the spec's fields as given here. */
export const withRotation = (spec: Spec = {}, more: object = {}): object => ({
  ...installed,
  rotations: [{ name: names.rotation, namespace: names.namespace, ...rotationSpec, ...spec }],
  ...more,
});

const accountOf = (name: string): string => `system:serviceaccount:${names.namespace}:${name}`;

/** The issuer in a release of its own, which outlives the controller's. */
export const issuing = {
  ...installed,
  fullnameOverride: names.issuer,
  controller: { enabled: false },
  crds: { enabled: false },
  issuer: {
    ...{ enabled: true, rotation: names.rotation, persistence: { enabled: false } },
    config: {
      maxAccessTTL: "10s",
      trust: [
        {
          ...{ name: "cluster", issuer: "https://kubernetes.default.svc", tokenReview: {} },
          audiences: ["keyturn-issuer"],
          rules: [
            {
              name: "pods",
              match: {
                sub: [names.renewer, names.caller, names.talker].map(accountOf),
              },
              subject: "{/kubernetes.io/pod/name}",
              allow: { audiences: rotationSpec.tokens.audiences },
            },
            {
              name: "gateways",
              match: { sub: accountOf(`${names.app}-keyturn`) },
              subject: "gateway:{/kubernetes.io/pod/name}",
              allow: { audiences: rotationSpec.tokens.audiences, grantTypes: [], watchRevocations: true },
            },
          ],
        },
      ],
    },
  },
};

/** From the fourth rotation on by request alone, so that each has one cause. */
export const onRequest = { rotation: { interval: "0s" } } as const;

/** The last algorithm, with time to go back to the key before even where a step takes a minute. */
export const migrated = { ...onRequest, algorithm: "EdDSA", rotationWindow: "5m" } as const;
