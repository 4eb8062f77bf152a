{{/* Labels of every object. */}}
{{- define "managed-serviceaccount.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: spokeway
{{- end }}

{{/* What finds the controller's pods. It cannot change between versions. */}}
{{- define "managed-serviceaccount.selector" -}}
open-cluster-management.io/addon: managed-serviceaccount
{{- end }}

{{- define "managed-serviceaccount.tag" -}}
{{ .Values.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end }}

{{/* Version of OCM's addon API to write: v1alpha1 unless the hub has only v1beta1. */}}
{{- define "managed-serviceaccount.addonVersion" -}}
{{- $group := "addon.open-cluster-management.io" -}}
{{- $only := and (.Capabilities.APIVersions.Has (printf "%s/v1beta1" $group)) (not (.Capabilities.APIVersions.Has (printf "%s/v1alpha1" $group))) -}}
{{ ternary "v1beta1" "v1alpha1" $only }}
{{- end }}

{{- define "managed-serviceaccount.image" -}}
{{ .Values.image }}:{{ include "managed-serviceaccount.tag" . }}
{{- end }}

{{/* Name of the AddOnTemplate; with the version in it, an upgrade makes another one. */}}
{{- define "managed-serviceaccount.templateName" -}}
{{ .Values.addOnTemplateName | default (printf "managed-serviceaccount-%s" .Chart.Version) }}
{{- end }}

{{/*
What an agent needs on a managed cluster to give what the policy allows: it may bind the roles that
the policy names, and holds the rules that accounts may have of their own.
*/}}
{{- define "managed-serviceaccount.grantingRules" -}}
{{- if kindIs "slice" .Values.permissionPolicy }}
{{- $group := "rbac.authorization.k8s.io" }}
{{- $kinds := list "roles" "clusterroles" "rolebindings" "clusterrolebindings" }}
{{- $verbs := list "get" "list" "watch" "create" "update" "patch" "delete" }}
{{- $rules := list (dict "apiGroups" (list $group) "resources" $kinds "verbs" $verbs) }}
{{- range $resource, $field := dict "clusterroles" "clusterRoles" "roles" "roles" }}
  {{- $names := list }}
  {{- range $.Values.permissionPolicy }}{{ $names = concat $names (get . $field | default list) | uniq }}{{ end }}
  {{- $bind := dict "apiGroups" (list $group) "resources" (list $resource) "verbs" (list "bind") }}
  {{- if has "*" $names }}{{ $rules = append $rules $bind }}
  {{- else if $names }}{{ $rules = append $rules (set $bind "resourceNames" $names) }}{{ end }}
{{- end }}
{{- range .Values.permissionPolicy }}{{ $rules = concat $rules (.rules | default list) }}{{ end }}
{{- toYaml $rules }}
{{- end }}
{{- end }}
