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

{{/* Stops on values that ask for what this version does not have. */}}
{{- define "managed-serviceaccount.refuseUnsupported" -}}
{{- $later := "is not part of this version of the chart; leave it at its default" -}}
{{- if ne .Values.hubDeployMode "Deployment" }}{{ fail (printf "hubDeployMode: running without a controller %s (Deployment)" $later) }}{{ end }}
{{- if ne .Values.addOnTemplateName "managed-serviceaccount" }}{{ fail (printf "addOnTemplateName: an AddOnTemplate %s (managed-serviceaccount)" $later) }}{{ end }}
{{- end }}
