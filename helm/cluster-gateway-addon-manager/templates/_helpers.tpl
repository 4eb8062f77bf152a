{{/* Labels of every object. */}}
{{- define "cluster-gateway-addon-manager.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: spokeway
{{- end }}

{{/* What finds the controller's pods. It cannot change between versions. */}}
{{- define "cluster-gateway-addon-manager.selector" -}}
open-cluster-management.io/addon: cluster-gateway
component: cluster-gateway-manager
{{- end }}

{{- define "cluster-gateway-addon-manager.tag" -}}
{{ .Values.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end }}

{{/* Version of OCM's addon API to write: v1alpha1 unless the hub has only v1beta1. */}}
{{- define "cluster-gateway-addon-manager.addonVersion" -}}
{{- $group := "addon.open-cluster-management.io" -}}
{{- $only := and (.Capabilities.APIVersions.Has (printf "%s/v1beta1" $group)) (not (.Capabilities.APIVersions.Has (printf "%s/v1alpha1" $group))) -}}
{{ ternary "v1beta1" "v1alpha1" $only }}
{{- end }}

{{/* Namespace of the cluster-proxy addon on the hub. */}}
{{- define "cluster-gateway-addon-manager.clusterProxyNamespace" -}}
{{ .Values.clusterProxy.namespace | default .Release.Namespace }}
{{- end }}
