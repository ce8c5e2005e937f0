{{/*
The agent of Keyturn as a native sidecar: the same that `keyturn inject --agent` prints. All five templates take one dict:

  issuer        URL of the issuer (required, but with configMap)
  identity      name of the one identity. Default: default
  configMap     name of a ConfigMap whose agent.yaml is a TokenAgent file, for many identities, in place of issuer and identity
  audience      of the pods' ServiceAccount token, by which the issuer lets them in. Default: keyturn-issuer
  caConfigMap   name of a ConfigMap whose ca.crt signed the issuer's certificate. Default: whom Node.js trusts
  image         Default: ghcr.io/keyturn/keyturn of this version
  runAsUser     Default: 65532, as the image has it. false: none is named, the cluster gives one, as OpenShift does
  adminPort     Default: 9091
  flags         a list of further flags of `keyturn agent`

The pod needs securityContext.supplementalGroups: [65532], the group that may read the token and connect to the socket.
test/chart/sidecar-agent.test.ts holds these templates to what src/inject makes.
*/}}

{{/* Labels of the pods: who scrapes finds them. */}}
{{- define "keyturn.agent.labels" -}}
keyturn.dev/agent: "true"
{{- end }}

{{/* An item for initContainers; it goes on beside the application. */}}
{{- define "keyturn.agent.container" -}}
- name: keyturn-agent
  image: {{ .image | default "ghcr.io/keyturn/keyturn:0.1.0" | quote }}
  restartPolicy: Always
  args:
    - agent
    {{- if .configMap }}
    - --config=/run/keyturn/config/agent.yaml
    {{- else }}
    - --token-file=/run/keyturn/issuer/token
    {{- if .caConfigMap }}
    - --ca-file=/run/keyturn/issuer/ca.crt
    {{- end }}
    - --sink-file=/run/keyturn-agent/token
    - --sink-mode=0640
    {{- end }}
    - --state-dir=/run/keyturn/state
    - --listen=unix:/run/keyturn-agent/agent.sock
    - --admin-listen=:{{ .adminPort | default 9091 }}
    - --start-without
    {{- if not .configMap }}
    - {{ printf "--issuer=%s" (required "keyturn-sidecar: issuer or configMap must be given" .issuer) | quote }}
    {{- with .identity }}
    - {{ printf "--name=%s" . | quote }}
    {{- end }}
    {{- end }}
    {{- range .flags }}
    - {{ . | quote }}
    {{- end }}
  env:
    # With ten thousand identities it stays within its limit of memory
    - {name: NODE_OPTIONS, value: --max-old-space-size=160 --max-semi-space-size=4}
  ports:
    - {name: keyturn-agent, containerPort: {{ .adminPort | default 9091 }}}
  startupProbe:
    httpGet: {path: /readyz, port: keyturn-agent}
    periodSeconds: 1
    failureThreshold: 300
  readinessProbe:
    httpGet: {path: /readyz, port: keyturn-agent}
    periodSeconds: 2
  livenessProbe:
    httpGet: {path: /livez, port: keyturn-agent}
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {memory: 192Mi}
  securityContext:
    allowPrivilegeEscalation: false
    capabilities: {drop: [ALL]}
    readOnlyRootFilesystem: true
    runAsNonRoot: true
    {{- include "keyturn.sidecar.user" . | nindent 4 }}
    seccompProfile: {type: RuntimeDefault}
  volumeMounts:
    - {name: keyturn-agent, mountPath: /run/keyturn-agent}
    - {name: keyturn-agent-state, mountPath: /run/keyturn/state}
    - {name: keyturn-agent-issuer, mountPath: /run/keyturn/issuer, readOnly: true}
    {{- if .configMap }}
    - {name: keyturn-agent-config, mountPath: /run/keyturn/config, readOnly: true}
    {{- end }}
{{- end }}

{{/* Items for volumes; of these the application mounts keyturn-agent alone. */}}
{{- define "keyturn.agent.volumes" -}}
- name: keyturn-agent
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
- name: keyturn-agent-state
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
- name: keyturn-agent-issuer
  projected:
    sources:
      - serviceAccountToken: {path: token, audience: {{ .audience | default "keyturn-issuer" | quote }}, expirationSeconds: 3600}
      {{- with .caConfigMap }}
      - configMap: {name: {{ . | quote }}, items: [{key: ca.crt, path: ca.crt}]}
      {{- end }}
{{- with .configMap }}
- name: keyturn-agent-config
  configMap: {name: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Items for env of each container that needs the token. */}}
{{- define "keyturn.agent.env" -}}
- {name: KEYTURN_AGENT_SOCKET, value: /run/keyturn-agent/agent.sock}
{{- if not .configMap }}
- {name: KEYTURN_IDENTITY, value: {{ .identity | default "default" | quote }}}
- {name: KEYTURN_TOKEN_FILE, value: /run/keyturn-agent/token}
{{- end }}
{{- end }}

{{/* Items for volumeMounts of each such container. */}}
{{- define "keyturn.agent.volumeMounts" -}}
- {name: keyturn-agent, mountPath: /run/keyturn-agent, readOnly: true}
{{- end }}
