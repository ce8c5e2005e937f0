import type { Members } from "../parse/object.ts";

/** A token of the pods' service account for an issuer, which the kubelet writes and renews. */
export interface IssuerToken {
  /** Whom it is for: an audience of the trust in the TokenIssuer. */
  readonly audience: string;
  /** Name of a ConfigMap with `ca.crt`: who signed the issuer's certificate. @default whom Node.js trusts */
  readonly caConfigMap?: string;
}

const mountPath = "/run/keyturn/issuer";

/** Where a sidecar finds it. */
export const issuerFiles = { token: `${mountPath}/token`, ca: `${mountPath}/ca.crt` } as const;

export const caItem: Members = { key: "ca.crt", path: "ca.crt" };

/** The volume of the token, and of who signed the issuer's certificate. */
export const issuerVolume = (name: string, { audience, caConfigMap }: IssuerToken): Members => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { path: "token", audience, expirationSeconds: 3600 } },
      ...(caConfigMap === undefined ? [] : [{ configMap: { name: caConfigMap, items: [caItem] } }]),
    ],
  },
});

export const issuerMount = (name: string): Members => ({ name, mountPath, readOnly: true });
