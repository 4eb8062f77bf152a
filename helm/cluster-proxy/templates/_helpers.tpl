{{/* Labels of every object. */}}
{{- define "cluster-proxy.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: spokeway
{{- end }}

{{/* What finds the controller's pods. It cannot change between versions. */}}
{{- define "cluster-proxy.selector" -}}
open-cluster-management.io/addon: cluster-proxy
component: cluster-proxy-manager
{{- end }}

{{/* What finds the user server's pods. */}}
{{- define "cluster-proxy.userServerSelector" -}}
open-cluster-management.io/addon: cluster-proxy
component: cluster-proxy-addon-user
{{- end }}

{{/* Files of the user server that are values here; empty when there are none. */}}
{{- define "cluster-proxy.userServerFiles" -}}
{{- with .Values.userServer }}
{{- $files := dict }}
{{- with .oidc }}{{ with .caBundle }}{{ $_ := set $files "oidc-ca.crt" . }}{{ end }}{{ end }}
{{- if and (eq .audit.log "Stdout") .audit.policy }}{{ $_ := set $files "audit-policy.yaml" .audit.policy }}{{ end }}
{{- if $files }}{{ toYaml $files }}{{ end }}
{{- end }}
{{- end }}

{{- define "cluster-proxy.tag" -}}
{{ .Values.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end }}

{{/* Version of OCM's addon API to write: v1alpha1 unless the hub has only v1beta1. */}}
{{- define "cluster-proxy.addonVersion" -}}
{{- $group := "addon.open-cluster-management.io" -}}
{{- $only := and (.Capabilities.APIVersions.Has (printf "%s/v1beta1" $group)) (not (.Capabilities.APIVersions.Has (printf "%s/v1alpha1" $group))) -}}
{{ ternary "v1beta1" "v1alpha1" $only }}
{{- end }}

{{/* Namespace of the Placement that selects the clusters. */}}
{{- define "cluster-proxy.placementNamespace" -}}
{{ .Values.installByPlacement.placementNamespace | default .Release.Namespace }}
{{- end }}

{{/* Stops on values that ask for what this version does not have. */}}
{{- define "cluster-proxy.refuseUnsupported" -}}
{{- $later := "is not part of this version of the chart; leave it at its default" -}}
{{- if and .Values.userServer.enabled (not .Values.enableServiceProxy) }}{{ fail "userServer.enabled: needs enableServiceProxy, which is the other end of its way" }}{{ end }}
{{- if .Values.featureGates.clusterProfile }}{{ fail (printf "featureGates.clusterProfile: ClusterProfile support %s (false)" $later) }}{{ end }}
{{- if .Values.networkPolicies.enabled }}{{ fail (printf "networkPolicies.enabled: making NetworkPolicies %s (false)" $later) }}{{ end }}
{{- with .Values.signer }}
{{- if and (eq .type "Provided") (not (and .provided.agentAuthoritySecretName .provided.frontendAuthoritySecretName)) }}{{ fail "signer.provided: agentAuthoritySecretName and frontendAuthoritySecretName are needed when signer.type is Provided" }}{{ end }}
{{- if and (eq .type "CertManager") (not .certManager.issuerRef.name) }}{{ fail "signer.certManager.issuerRef.name: needed when signer.type is CertManager" }}{{ end }}
{{- end }}
{{- if and .Values.installByPlacement.placementNamespace (not .Values.installByPlacement.placementName) }}{{ fail "installByPlacement.placementNamespace: needs installByPlacement.placementName; the chart makes its own Placement in the namespace of the release" }}{{ end }}
{{- end }}
