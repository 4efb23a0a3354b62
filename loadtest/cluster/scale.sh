#!/bin/bash
# What a large mesh costs: SERVICES services with ENDPOINTS endpoints in a real istiod, all bound to one waypoint of ours. Prints the time
# to ready, the memory (RSS) and the CPU that one changed endpoint takes, of the waypoint and of the node agent.
# Needs the cluster of `make test-cluster`, with its images loaded and the node agent applied; run it on the node, as that does.
set -euo pipefail

services=${SERVICES:-2000}
endpoints=${ENDPOINTS:-5000}
changes=${CHANGES:-20}
ns=scale

cleanup() { kubectl delete namespace "$ns" --wait=false > /dev/null 2>&1 || true; }
trap cleanup EXIT

entry() { # entry NUMBER LAST-OCTET-OF-THE-FIRST-ENDPOINT
    local i=$1 n e
    n=$((i < endpoints % services ? endpoints / services + 1 : endpoints / services))
    printf 'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s%d, namespace: %s}\nspec:\n  hosts: [s%d.scale.example]\n' "$i" "$ns" "$i"
    printf '  addresses: [240.%d.%d.%d]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  resolution: STATIC\n  endpoints:\n' \
        $((10 + i / 62500)) $((i / 250 % 250)) $((i % 250 + 1))
    for e in $(seq "$n"); do
        printf '  - {address: 198.18.%d.%d, ports: {http: 8080}}\n' $(((i * 3 + e) / 250 % 250)) $(((i * 3 + e) % 250 + 1 + (e == 1 ? $2 : 0)))
    done
    echo ---
}

process() { # process NAMESPACE SELECTOR: the pid of the pod's program, which started after its pause container
    local uid
    uid=$(kubectl -n "$1" get pod -l "$2" -o 'jsonpath={.items[0].metadata.uid}')
    find /sys/fs/cgroup -path "*pod${uid}*" -name cgroup.procs -exec cat {} + | sort -n | tail -1
}
rss() { awk '/^VmRSS/ { printf "%d MB", $2 / 1024 }' "/proc/$1/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f s", b - a }'; }
now() { date +%s.%N; }

kubectl create namespace "$ns" > /dev/null
kubectl label namespace "$ns" istio.io/dataplane-mode=ambient > /dev/null
echo "creating $services services with $endpoints endpoints"
for i in $(seq 0 $((services - 1))); do entry "$i" 0; done | kubectl create -f - > /dev/null

start=$(now)
istioctl waypoint apply -n "$ns" --enroll-namespace > /dev/null
kubectl -n "$ns" annotate gateway waypoint sidecar.istio.io/proxyImage=localhost/waypoint:dev > /dev/null
until kubectl -n "$ns" get deployment waypoint -o 'jsonpath={..image}' 2> /dev/null | grep -q localhost/waypoint; do sleep 0.2; done
kubectl -n "$ns" rollout status deployment/waypoint --timeout=120s > /dev/null
kubectl -n "$ns" get pod -l gateway.networking.k8s.io/gateway-name=waypoint -o json |
    jq -r '.items[0].status.conditions | map({(.type): .lastTransitionTime | fromdate}) | add | "waypoint: ready \(.Ready - .PodScheduled) s after it was scheduled"'
waypoint=$(process "$ns" gateway.networking.k8s.io/gateway-name=waypoint)
clusters() { kubectl -n "$ns" exec deploy/waypoint -- pilot-agent request GET clusters | grep -c '^inbound-vip.*::observability_name::'; }
until [ "$(clusters)" -ge "$services" ]; do sleep 0.5; done
echo "waypoint: all clusters there $(seconds "$start" "$(now)") after the four commands; RSS $(rss "$waypoint")"

start=$(now)
kubectl -n waypoint-system rollout restart daemonset/waypoint-node-agent > /dev/null
kubectl -n waypoint-system rollout status daemonset/waypoint-node-agent --timeout=120s > /dev/null
sleep 2
agent=$(process waypoint-system app=waypoint-node-agent)
echo "node agent: back and in step $(seconds "$start" "$(now)") after the restart was asked for; RSS $(rss "$agent")"

waypoint_before=$(ticks "$waypoint")
agent_before=$(ticks "$agent")
for change in $(seq "$changes"); do
    entry 7 "$change" | kubectl apply -f - > /dev/null
    sleep 0.5
done
sleep 2
hertz=$(getconf CLK_TCK)
awk -v w="$(($(ticks "$waypoint") - waypoint_before))" -v a="$(($(ticks "$agent") - agent_before))" -v n="$changes" -v hz="$hertz" \
    'BEGIN { printf "one changed endpoint: waypoint %.1f ms of CPU, node agent %.1f ms\n", 1000 * w / hz / n, 1000 * a / hz / n }'
echo "afterwards: waypoint RSS $(rss "$waypoint"), node agent RSS $(rss "$agent")"
