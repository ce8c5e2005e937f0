{{/*
Sessions at the gateway (_sidecar.tpl), for who has `sessions` in the dict. The pod needs securityContext.supplementalGroups: [65532], the group
that may connect to the hub's socket; and terminationGracePeriodSeconds of at least 25, or 5 more than --drain-timeout.
*/}}

{{/* Items for env of each container that sends to sessions or hears from them. */}}
{{- define "keyturn.sidecar.env" -}}
- {name: KEYTURN_HUB, value: "unix:/run/keyturn-hub/hub.sock"}
{{- end }}

{{/* Items for volumeMounts of each such container. */}}
{{- define "keyturn.sidecar.volumeMounts" -}}
- {name: keyturn-hub, mountPath: /run/keyturn-hub, readOnly: true}
{{- end }}

{{/* Items for ports of a Service: by appProtocol a proxy knows that it has to speak HTTP/2, and to let WebSockets through. */}}
{{- define "keyturn.sidecar.servicePorts" -}}
- {name: sessions-ws, port: {{ .sessions.port | default 8083 }}, targetPort: sessions-ws, appProtocol: kubernetes.io/ws}
- {name: sessions-grpc, port: {{ .sessions.grpcPort | default 8084 }}, targetPort: sessions-grpc, appProtocol: kubernetes.io/h2c}
{{- end }}

{{/* Items for args of the gateway; takes the dict of sessions. */}}
{{- define "keyturn.sessions.flags" -}}
- --session-listen=:{{ .port | default 8083 }}
- --session-grpc-listen=:{{ .grpcPort | default 8084 }}
- --hub-listen=unix:/run/keyturn-hub/hub.sock
{{- with .busSecret }}
- --session-bus-credentials-file=/run/keyturn/bus/nats.creds
{{- end }}
{{- with .busCaConfigMap }}
- --session-bus-ca-file=/run/keyturn/bus/ca.crt
{{- end }}
{{- if .bus }}
- {{ printf "--session-bus=%s" .bus | quote }}
{{- else if or .busSecret .busCaConfigMap }}
{{- fail "keyturn-sidecar: sessions.bus must be given, there is a Secret or a ConfigMap for it" }}
{{- end }}
{{- end }}

{{/* Items for volumes; takes the dict of sessions. */}}
{{- define "keyturn.sessions.volumes" -}}
- name: keyturn-hub
  emptyDir: {sizeLimit: 1Mi}
{{- if or .busSecret .busCaConfigMap }}
- name: keyturn-bus
  projected:
    sources:
      {{- with .busSecret }}
      - secret: {name: {{ . | quote }}, items: [{key: nats.creds, path: nats.creds}]}
      {{- end }}
      {{- with .busCaConfigMap }}
      - configMap: {name: {{ . | quote }}, items: [{key: ca.crt, path: ca.crt}]}
      {{- end }}
{{- end }}
{{- end }}
