/** The pod `ticker`, which says the time each second. */
export const tickerIn = (namespace: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ticker, namespace: ${namespace} }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: bed.local/workload:1
    imagePullPolicy: Never
    command: [sh, -c, "while :; do date +tick-%s; sleep 1; done"]
`;
