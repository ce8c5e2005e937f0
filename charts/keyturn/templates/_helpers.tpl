{{- define "keyturn.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "keyturn.fullname" -}}
{{- $name := include "keyturn.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of a part of the chart: takes {root, component}. Room is left for what Kubernetes appends. */}}
{{- define "keyturn.componentName" -}}
{{- printf "%s-%s" (include "keyturn.fullname" .root) .component }}
{{- end }}

{{- define "keyturn.selectorLabels" -}}
app.kubernetes.io/name: {{ include "keyturn.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{/* Of an object: takes {root, component, more}, of which "more" may be absent. The chart's own go before the user's. */}}
{{- define "keyturn.labels" -}}
{{- $own := include "keyturn.selectorLabels" . | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/part-of" "keyturn" }}
{{- $_ := set $own "app.kubernetes.io/version" .root.Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") }}
{{- toYaml (merge $own (deepCopy (.more | default dict)) (deepCopy .root.Values.commonLabels)) }}
{{- end }}

{{/* Of the pods of a template: nothing that changes with the version alone. Takes {root, component, more}. */}}
{{- define "keyturn.podLabels" -}}
{{- $own := include "keyturn.selectorLabels" . | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/part-of" "keyturn" }}
{{- toYaml (merge $own (deepCopy .more) (deepCopy .root.Values.commonLabels)) }}
{{- end }}

{{/* Of a chart that has this one as a part: what all its parts are to do alike. */}}
{{- define "keyturn.global" -}}
{{- .Values.global | default dict | toYaml }}
{{- end }}

{{- define "keyturn.image" -}}
{{- $repository := .Values.image.repository }}
{{- with (include "keyturn.global" . | fromYaml).imageRegistry }}
{{- $parts := splitList "/" $repository }}
{{- /* As container runtimes tell the name of a registry from the beginning of a path */}}
{{- if and (gt (len $parts) 1) (regexMatch "[.:]|^localhost$" (first $parts)) }}{{ $parts = rest $parts }}{{ end }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (join "/" $parts) }}
{{- end }}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" $repository .digest }}
{{- else }}
{{- printf "%s:%s" $repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Its own, then those of the whole. */}}
{{- define "keyturn.pullSecrets" -}}
{{- $all := list }}
{{- range concat .Values.imagePullSecrets ((include "keyturn.global" . | fromYaml).imagePullSecrets | default list) }}
{{- $all = append $all (ternary . (dict "name" .) (kindIs "map" .)) | uniq }}
{{- end }}
{{- toYaml $all }}
{{- end }}

{{- define "keyturn.controllerAccount" -}}
{{- $own := ternary (include "keyturn.componentName" (dict "root" . "component" "controller")) "default" .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default $own }}
{{- end }}

{{- define "keyturn.jwksAccount" -}}
{{- $own := ternary (include "keyturn.componentName" (dict "root" . "component" "jwks")) "default" .Values.jwks.serviceAccount.create }}
{{- .Values.jwks.serviceAccount.name | default $own }}
{{- end }}

{{- define "keyturn.jwksNamespace" -}}
{{- .Values.jwks.namespace | default .Release.Namespace }}
{{- end }}

{{/* spec.secretName of a rotation: takes {root, rotation, secretName, namespace}, of which "secretName" is the user's and may be empty. */}}
{{- define "keyturn.secretName" -}}
{{- $name := .secretName }}
{{- if not $name }}
{{- $name = .rotation }}
{{- range .root.Values.rotations }}
{{- $isThere := eq (.namespace | default $.root.Release.Namespace) $.namespace }}
{{- if and $isThere (eq .name $.rotation) .secretName }}{{ $name = .secretName }}{{ end }}
{{- end }}
{{- end }}
{{- $name }}
{{- end }}

{{/* The public ConfigMap that jwks serves. */}}
{{- define "keyturn.jwksObject" -}}
{{- $in := dict "root" . "rotation" .Values.jwks.rotation "secretName" .Values.jwks.secretName "namespace" (include "keyturn.jwksNamespace" .) }}
{{- include "keyturn.secretName" $in }}-public
{{- end }}

{{/* What the containers of the chart have in common. */}}
{{- define "keyturn.container" -}}
image: {{ include "keyturn.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Security of all pods. OpenShift gives each namespace users of its own, and refuses any other (restricted-v2): there the image's is not named. What
somebody has set otherwise stays.
*/}}
{{- define "keyturn.podSecurityContext" -}}
{{- $context := deepCopy (.Values.podSecurityContext | default dict) }}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- range $name := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- if eq (index $context $name | default 0 | int) 65532 }}{{ $context = omit $context $name }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* Where a pod runs: takes {root, component, values}. */}}
{{- define "keyturn.placement" -}}
{{- with include "keyturn.pullSecrets" .root | fromYamlArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $security := include "keyturn.podSecurityContext" .root }}
{{- if ne $security "{}" }}
securityContext:
  {{- $security | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
{{- range . }}
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "keyturn.selectorLabels" $ | fromYaml)) }}
  - {{- toYaml (merge (deepCopy .) $own) | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Probes on the port "admin": takes {liveness, readiness}. */}}
{{- define "keyturn.probes" -}}
livenessProbe:
  httpGet:
    path: /livez
    port: admin
  {{- with .liveness }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  {{- with .readiness }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
