{{/*
An Ingress and an HTTPRoute to a Service of the chart, as the part's values ask for them. Takes {root, component, namespace,
backend, paths}: "component" is the part's name in the values, too, "backend" the name of the Service's port; "paths" are those
that are let through, all when there is none.
*/}}
{{- define "keyturn.routes" -}}
{{- $name := include "keyturn.componentName" . }}
{{- $part := get .root.Values .component }}
{{- if and $part.ingress.enabled (not $part.ingress.hosts) }}
{{- fail (printf "%s.ingress.hosts: must have a host name, is empty" .component) }}
{{- end }}
{{- if and $part.httpRoute.enabled (not $part.httpRoute.parentRefs) }}
{{- fail (printf "%s.httpRoute.parentRefs: must name a Gateway, is empty" .component) }}
{{- end }}
{{- with $part.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name | quote }}
  namespace: {{ $.namespace | quote }}
  labels:
    {{- include "keyturn.labels" $ | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  rules:
    {{- range .hosts }}
    - host: {{ . | quote }}
      http:
        paths:
          {{- range $.paths | default (list "/") }}
          - path: {{ . }}
            pathType: {{ ternary "Exact" "Prefix" (not (empty $.paths)) }}
            backend: { service: { name: {{ $name | quote }}, port: { name: {{ $.backend }} } } }
          {{- end }}
    {{- end }}
  {{- with .tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- with $part.httpRoute }}
{{- if .enabled }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ $name | quote }}
  namespace: {{ $.namespace | quote }}
  labels:
    {{- include "keyturn.labels" $ | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml .parentRefs | nindent 4 }}
  {{- with .hostnames }}
  hostnames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    - backendRefs:
        - name: {{ $name | quote }}
          port: {{ $part.service.port }}
      {{- with $.paths }}
      matches:
        {{- range . }}
        - path: { type: Exact, value: {{ . }} }
        {{- end }}
      {{- end }}
{{- end }}
{{- end }}
{{- end }}
