{{/* As in the official chart: the release's own name when it has "erpnext" in it, else with it at its end. */}}
{{- define "erpnext.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* On the objects; the pods have an instance of their own, "<release>-gunicorn". */}}
{{- define "erpnext.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "erpnext.podLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}-gunicorn
app.kubernetes.io/instance: {{ .Release.Name }}-gunicorn
{{- end -}}

{{/* The same for another tier: (dict "root" . "tier" "worker-s"). */}}
{{- define "erpnext.tierLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}-{{ .tier }}
app.kubernetes.io/instance: {{ .root.Release.Name }}-{{ .tier }}
{{- end -}}

{{/* The official chart's workers, with the queues that each drains. A worker is given the time that a job of its queues may take. */}}
{{- define "erpnext.backgroundTiers" -}}
- { name: worker-s, container: short, values: short, graceSeconds: 330, command: [worker, --queue, "short,default"] }
- { name: worker-d, container: default, values: default, graceSeconds: 330, command: [worker, --queue, default] }
- { name: worker-l, container: long, values: long, graceSeconds: 1530, command: [worker, --queue, "long,default,short"] }
- { name: scheduler, container: scheduler, values: scheduler, graceSeconds: 30, command: [schedule] }
{{- end -}}

{{- define "erpnext.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "erpnext.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "erpnext.environment" -}}
- { name: SITE_HOST, value: {{ .Values.siteHost | quote }} }
- { name: SITE_DOMAINS, value: {{ join "," .Values.siteDomains | quote }} }
- { name: DB_HOST, value: {{ .Values.dbHost | quote }} }
- { name: DB_PORT, value: {{ .Values.dbPort | quote }} }
- { name: DB_NAME, value: {{ .Values.dbName | quote }} }
- { name: DB_USER, value: {{ .Values.dbUser | quote }} }
- name: DB_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.dbExistingSecret }}, key: {{ .Values.dbExistingSecretPasswordKey }} } }
{{- if .Values.dbTlsSecret }}
- { name: DB_TLS_CA_FILE, value: /database-tls/ca.crt }
{{- end }}
{{- if .Values.redisSentinels }}
- { name: REDIS_SENTINELS, value: {{ join "," .Values.redisSentinels | quote }} }
- name: REDIS_CACHE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.redisCacheSecret }}, key: password } }
- name: REDIS_QUEUE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.redisQueueSecret }}, key: password } }
- name: REDIS_SENTINEL_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.redisSentinelSecret }}, key: password } }
{{- else }}
- { name: REDIS_CACHE_URL, value: {{ .Values.redisCacheUrl | quote }} }
- { name: REDIS_QUEUE_URL, value: {{ .Values.redisQueueUrl | quote }} }
{{- end }}
{{- end -}}

{{- define "erpnext.volumeMounts" -}}
{{- if .Values.dbTlsSecret }}
- { name: database-tls, mountPath: /database-tls, readOnly: true }
{{- end }}
{{- end -}}

{{/* Of the database's Secret only who vouches for it: the key is not for the app. */}}
{{- define "erpnext.volumes" -}}
{{- if .Values.dbTlsSecret }}
- name: database-tls
  secret: { secretName: {{ .Values.dbTlsSecret }}, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- end -}}

{{- define "erpnext.objectStore" -}}
{{- if .Values.s3Endpoint -}}
- { name: S3_ENDPOINT, value: {{ .Values.s3Endpoint | quote }} }
- { name: S3_BUCKET, value: {{ .Values.s3Bucket | quote }} }
- { name: S3_REGION, value: {{ .Values.s3Region | quote }} }
- name: S3_ACCESS_KEY
  valueFrom: { secretKeyRef: { name: {{ .Values.s3Secret }}, key: username } }
- name: S3_SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ .Values.s3Secret }}, key: password } }
{{- end -}}
{{- end -}}
