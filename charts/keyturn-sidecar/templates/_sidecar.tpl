{{/*
The gateway of Keyturn as a native sidecar: the same that `keyturn inject` prints. All templates take one dict:

  rotation            name of the JwtKeyRotation (required)
  serviceAccountName  of the pods (keyturn.sidecar.rights: required)
  namespace           of the pods (keyturn.sidecar.rights: required)
  secretName          its spec.secretName. Default: the rotation's name
  public              read the public ConfigMap alone: verify, serve JWKS, never mint. Default: false
  image               Default: ghcr.io/keyturn/keyturn of this version
  runAsUser           Default: 65532, as the image has it. false: none is named, the cluster gives one, as OpenShift does
  port, adminPort     Default: 8080 and 9090
  flags               a list of further flags of `keyturn gateway`; not --acks=off, for which nothing here is made, and
                      not --revocations… or --session-bus…, for which there are revocations and sessions
  revocations         Default: none but those of keys. A dict: hear from an issuer which tokens are revoked
    url               its address, https://…/v1/revocations (required)
    audience          of the pods' token, by which the issuer lets them in. Default: keyturn-issuer
    maxAge            refuse all tokens when the issuer was heard last so long ago, such as 5m. Default: go on with what is known
    caConfigMap       name of a ConfigMap whose ca.crt signed the issuer's certificate. Default: whom Node.js trusts
  sessions            Default: none. A dict, which may be empty: accept sessions, and have a hub for the application (_sessions.tpl)
    port, grpcPort    of WebSocket and gRPC. Default: 8083 and 8084
    bus               where several pods find each other: nats://HOST:PORT[,…]. Default: each pod is alone
    busSecret         name of a Secret whose nats.creds lets the gateway in there
    busCaConfigMap    name of a ConfigMap whose ca.crt signed the certificate of the bus. Default: whom Node.js trusts

test/chart/sidecar.test.ts holds these templates to what src/inject makes.
*/}}

{{- define "keyturn.sidecar.object" -}}
{{- $secret := .secretName | default (required "keyturn-sidecar: rotation must be given" .rotation) -}}
{{- ternary (printf "%s-public" $secret) $secret (.public | default false) -}}
{{- end }}

{{/* Labels of the pods: the controller waits for pods that have them. */}}
{{- define "keyturn.sidecar.labels" -}}
keyturn.dev/rotation: {{ required "keyturn-sidecar: rotation must be given" .rotation | quote }}
{{- end }}

{{/* Items of a securityContext, of gateway and agent: the group shares files with the application, whatever the user. */}}
{{- define "keyturn.sidecar.user" -}}
{{- $user := ternary .runAsUser 65532 (hasKey . "runAsUser") }}
{{- if $user -}}
runAsUser: {{ int64 $user }}
runAsGroup: 65532
{{- end }}
{{- end }}

{{/* An item for initContainers; it goes on beside the application. */}}
{{- define "keyturn.sidecar.container" -}}
- name: keyturn
  image: {{ .image | default "ghcr.io/keyturn/keyturn:0.1.0" | quote }}
  restartPolicy: Always
  args:
    - gateway
    - {{ printf "--rotation=%s" (required "keyturn-sidecar: rotation must be given" .rotation) | quote }}
    - {{ printf "--object=%s" (include "keyturn.sidecar.object" .) | quote }}
    {{- if .public }}
    - --public
    {{- end }}
    - --mount=/run/keyturn/keys
    - --floor-dir=/run/keyturn/floor
    - --listen=:{{ .port | default 8080 }}
    - --admin-listen=:{{ .adminPort | default 9090 }}
    {{- if hasKey . "sessions" }}
    {{- include "keyturn.sessions.flags" .sessions | nindent 4 }}
    {{- end }}
    {{- range .flags }}
    - {{ . | quote }}
    {{- end }}
    {{- with .revocations }}
    - {{ printf "--revocations=%s" (required "keyturn-sidecar: revocations.url must be given" .url) | quote }}
    {{- with .maxAge }}
    - {{ printf "--revocations-max-age=%s" . | quote }}
    {{- end }}
    - --revocations-token-file=/run/keyturn/issuer/token
    {{- if .caConfigMap }}
    - --revocations-ca-file=/run/keyturn/issuer/ca.crt
    {{- end }}
    {{- end }}
  env:
    - name: KEYTURN_POD_NAME
      valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}
    - name: KEYTURN_POD_UID
      valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.uid}}
  ports:
    - {name: keyturn, containerPort: {{ .port | default 8080 }}}
    - {name: keyturn-admin, containerPort: {{ .adminPort | default 9090 }}}
    {{- if hasKey . "sessions" }}
    - {name: sessions-ws, containerPort: {{ .sessions.port | default 8083 }}}
    - {name: sessions-grpc, containerPort: {{ .sessions.grpcPort | default 8084 }}}
    {{- end }}
  startupProbe:
    httpGet: {path: /readyz, port: keyturn-admin}
    periodSeconds: 1
    failureThreshold: 300
  readinessProbe:
    httpGet: {path: /readyz, port: keyturn-admin}
    periodSeconds: 2
  livenessProbe:
    httpGet: {path: /livez, port: keyturn-admin}
  lifecycle:
    preStop: {sleep: {seconds: 5}}
  resources:
    {{- if hasKey . "sessions" }}
    requests: {cpu: 10m, memory: 128Mi}
    limits: {memory: 768Mi}
    {{- else }}
    requests: {cpu: 10m, memory: 80Mi}
    limits: {memory: 192Mi}
    {{- end }}
  securityContext:
    allowPrivilegeEscalation: false
    capabilities: {drop: [ALL]}
    readOnlyRootFilesystem: true
    runAsNonRoot: true
    {{- include "keyturn.sidecar.user" . | nindent 4 }}
    seccompProfile: {type: RuntimeDefault}
  volumeMounts:
    - {name: keyturn-keys, mountPath: /run/keyturn/keys, readOnly: true}
    - {name: keyturn-floor, mountPath: /run/keyturn/floor}
    - {name: keyturn-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    {{- if .revocations }}
    - {name: keyturn-issuer, mountPath: /run/keyturn/issuer, readOnly: true}
    {{- end }}
    {{- if hasKey . "sessions" }}
    - {name: keyturn-hub, mountPath: /run/keyturn-hub}
    {{- if or .sessions.busSecret .sessions.busCaConfigMap }}
    - {name: keyturn-bus, mountPath: /run/keyturn/bus, readOnly: true}
    {{- end }}
    {{- end }}
{{- end }}

{{/* Items for volumes. No other container should mount them but keyturn-hub; give the pod automountServiceAccountToken: false. */}}
{{- define "keyturn.sidecar.volumes" -}}
- name: keyturn-keys
  {{- if .public }}
  configMap: {name: {{ include "keyturn.sidecar.object" . | quote }}}
  {{- else }}
  secret: {secretName: {{ include "keyturn.sidecar.object" . | quote }}}
  {{- end }}
- name: keyturn-floor
  emptyDir: {sizeLimit: 4Mi}
- name: keyturn-token
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}
{{- with .revocations }}
- name: keyturn-issuer
  projected:
    sources:
      - serviceAccountToken: {path: token, audience: {{ .audience | default "keyturn-issuer" | quote }}, expirationSeconds: 3600}
      {{- with .caConfigMap }}
      - configMap: {name: {{ . | quote }}, items: [{key: ca.crt, path: ca.crt}]}
      {{- end }}
{{- end }}
{{- if hasKey . "sessions" }}
{{ include "keyturn.sessions.volumes" .sessions }}
{{- end }}
{{- end }}

{{/* Role and RoleBinding of the pods' service account. */}}
{{- define "keyturn.sidecar.rights" -}}
{{- $account := required "keyturn-sidecar: serviceAccountName must be given" .serviceAccountName -}}
{{- $namespace := required "keyturn-sidecar: namespace must be given" .namespace -}}
{{- $name := printf "%s-keyturn-%s" (trimSuffix "-keyturn" $account) (required "keyturn-sidecar: rotation must be given" .rotation) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ $name | quote }}, namespace: {{ $namespace | quote }}, labels: {keyturn.dev/sidecar: {{ .rotation | quote }}}}
rules:
  - apiGroups: [""]
    resources: [{{ ternary "configmaps" "secrets" (.public | default false) }}]
    resourceNames: [{{ include "keyturn.sidecar.object" . | quote }}]
    verbs: [get, list, watch]
  - apiGroups: [keyturn.dev]
    resources: [keyringacks]
    verbs: [get, list, watch, create, update]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: {{ $name | quote }}, namespace: {{ $namespace | quote }}, labels: {keyturn.dev/sidecar: {{ .rotation | quote }}}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $name | quote }}}
subjects:
  - {kind: ServiceAccount, name: {{ $account | quote }}, namespace: {{ $namespace | quote }}}
{{- end }}
