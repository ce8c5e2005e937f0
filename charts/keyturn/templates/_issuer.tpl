{{- define "keyturn.issuerNamespace" -}}
{{- .Values.issuer.namespace | default .Release.Namespace }}
{{- end }}

{{- define "keyturn.issuerAccount" -}}
{{- $own := ternary (include "keyturn.componentName" (dict "root" . "component" "issuer")) "default" .Values.issuer.serviceAccount.create }}
{{- .Values.issuer.serviceAccount.name | default $own }}
{{- end }}

{{/* The signer Secret. */}}
{{- define "keyturn.issuerObject" -}}
{{- $in := dict "root" . "rotation" .Values.issuer.rotation "secretName" .Values.issuer.secretName "namespace" (include "keyturn.issuerNamespace" .) }}
{{- include "keyturn.secretName" $in }}
{{- end }}

{{- define "keyturn.issuerConfigMap" -}}
{{- .Values.issuer.existingConfigMap | default (include "keyturn.componentName" (dict "root" . "component" "issuer")) }}
{{- end }}

{{- define "keyturn.issuerClaim" -}}
{{- .Values.issuer.persistence.existingClaim | default (include "keyturn.componentName" (dict "root" . "component" "issuer")) }}
{{- end }}

{{/* "true" where its service account has to ask the API server about tokens: a trust with tokenReview, but of another cluster. */}}
{{- define "keyturn.issuerReviews" -}}
{{- $asks := .Values.issuer.tokenReview }}
{{- range (.Values.issuer.config | default dict).trust }}
{{- if kindIs "map" .tokenReview }}{{ $asks = or $asks (not .tokenReview.server) }}{{ end }}
{{- end }}
{{- $asks }}
{{- end }}

{{/* What can't run is refused here, not by a pod that never gets ready. */}}
{{- define "keyturn.issuerChecks" -}}
{{- with .Values.issuer }}
{{- $config := .config | default dict }}
{{- if not .rotation }}
{{- fail "issuer.rotation: must name the JwtKeyRotation that signs, is empty" }}
{{- end }}
{{- if and $config .existingConfigMap }}
{{- fail "issuer.config: must be empty beside issuer.existingConfigMap" }}
{{- end }}
{{- if not (or $config .existingConfigMap) }}
{{- fail "issuer.config: must be the spec of a TokenIssuer, or issuer.existingConfigMap the name of a ConfigMap that has one" }}
{{- end }}
{{- if or $config.kind $config.spec }}
{{- fail "issuer.config: must be the spec of a TokenIssuer alone, without kind and spec" }}
{{- end }}
{{- if and (gt (int .replicaCount) 1) (not .store.secretName) }}
{{- fail (printf "issuer.replicaCount: must be at most 1 on SQLite, is %d: name the Secret with a PostgreSQL URL in issuer.store.secretName" (int .replicaCount)) }}
{{- end }}
{{- $own := list "--config" "-c" "--dir" "-d" "--mount" "--object" "--namespace" "--rotation" "--acks" "--floor-dir" "--store" "--store-file" "--listen" "--admin-listen" "--trusted-proxies" "--request-rate" "--tls-cert-file" "--tls-key-file" }}
{{- range .extraArgs }}
{{- if has (regexReplaceAll "=.*" . "") $own }}
{{- fail (printf "issuer.extraArgs: must not have %s, which the chart sets" (regexReplaceAll "=.*" . "")) }}
{{- end }}
{{- end }}
{{- $files := list }}
{{- range .secretFiles }}
{{- if has .file $files }}
{{- fail (printf "issuer.secretFiles: must have each file once, has %q twice" .file) }}
{{- end }}
{{- $files = append $files .file }}
{{- end }}
{{- range $config.clients }}
{{- range .secretFiles }}
{{- if and (hasPrefix "secrets/" .) (not (has (trimPrefix "secrets/" .) $files)) }}
{{- fail (printf "issuer.secretFiles: must have the file %q, which issuer.config names" (trimPrefix "secrets/" .)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
