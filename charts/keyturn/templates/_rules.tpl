{{- /* Generated from policies/rbac.yaml by npm run generate */}}
{{- define "keyturn.controllerRules" -}}
- apiGroups:
    - keyturn.dev
  resources:
    - jwtkeyrotations
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - keyturn.dev
  resources:
    - jwtkeyrotations/status
  verbs:
    - update
- apiGroups:
    - keyturn.dev
  resources:
    - keyringacks
  verbs:
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - create
    - update
- apiGroups:
    - ""
  resources:
    - configmaps
  verbs:
    - get
    - list
    - watch
    - create
    - update
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
    - patch
{{- end }}

{{- define "keyturn.leaderRules" -}}
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - get
    - create
    - update
{{- end }}
