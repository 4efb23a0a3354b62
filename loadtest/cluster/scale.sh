#!/bin/bash
# What a large mesh costs: SERVICES services with ENDPOINTS endpoints in a real istiod, all behind one waypoint of ours, then behind none. Prints
# the time to ready, the memory and the CPU that one changed endpoint takes, of the waypoint, of the node agent, and of istiod.
# Needs the cluster of `make test-cluster` of one node, with its images loaded and the node agent applied. Run it as root on the node: it reads
# /proc, cgroups, and what the programs tell localhost.
#   SERVICES ENDPOINTS   how large (2000, 5000)
#   CHANGES              over how many changes the CPU is averaged (10)
#   QUIET                seconds without changes before memory is read again (30)
set -euo pipefail

services=${SERVICES:-2000}
endpoints=${ENDPOINTS:-5000}
changes=${CHANGES:-10}
quiet=${QUIET:-30}
ns=scale
agents=(-n waypoint-system daemonset/waypoint-node-agent)

cleanup() {
    send_agents_back || true
    kubectl delete namespace "$ns" --wait=false > /dev/null 2>&1 || true
}
trap cleanup EXIT

fail() { echo "scale: $*" >&2; exit 1; }

# until_true SECONDS WHAT COMMAND...
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "$what: not in time"
        sleep 0.05
    done
}

entry() { # entry NUMBER: its endpoints are nobody's, but for service 0's
    local i=$1 e
    printf 'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s%d, namespace: %s}\nspec:\n  hosts: [s%d.scale.example]\n' "$i" "$ns" "$i"
    printf '  addresses: [240.10.%d.%d]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  resolution: STATIC\n  endpoints:\n' $((i / 250)) $((i % 250 + 1))
    if [ "$i" = 0 ]; then
        printf '  - {address: %s, ports: {http: 8080}}\n' "$echo_address"
    else
        for ((e = (i - 1) * endpoints / (services - 1); e < i * endpoints / (services - 1); e++)); do
            printf '  - {address: 198.18.%d.%d, ports: {http: 8080}}\n' $((e / 250)) $((e % 250 + 1))
        done
    fi
    echo ---
}

pod() { # pod NAME
    printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec:\n  terminationGracePeriodSeconds: 0\n' "$1" "$ns"
    printf '  containers: [{name: echo, image: "localhost/echo:1", imagePullPolicy: Never}]\n---\n'
}

# The newest running process of a program's name in a pod.
process() { # process NAMESPACE SELECTOR PROGRAM
    local uid pid
    for uid in $(kubectl -n "$1" get pod -l "$2" --field-selector=status.phase=Running --sort-by=.metadata.creationTimestamp -o 'jsonpath={.items[*].metadata.uid}'); do
        for pid in $(pgrep -x "$(cut -c1-15 <<< "$3")"); do
            if grep -q "pod${uid//-/[-_]}" "/proc/$pid/cgroup"; then echo "$pid"; fi
        done
    done | tail -1
}

unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cpu() { awk '/^usage_usec/ { print $2 }' "$unified$(sed -n 's/^0:://p' "/proc/$1/cgroup")/cpu.stat"; } # µs
rss() { awk '/^VmRSS/ { printf "%d MB", $2 / 1024 }' "/proc/$1/status"; }
age() { awk -v now="$(cut -d' ' -f1 /proc/uptime)" -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.1f s", now - $20 / hz }' "/proc/$1/stat"; }
milliseconds() { awk -v us="$1" -v n="${2:-1}" 'BEGIN { printf "%.1f ms", us / 1000 / n }'; }

agent_is_ready() { [ "$(curl -s --max-time 2 127.0.0.1:15200/healthz/ready)" = ready ]; }
agent_is_gone() { ! curl -s --max-time 2 127.0.0.1:15200/healthz/ready > /dev/null; }
agent_is_in_step() { agent_is_ready && curl -s 127.0.0.1:15200/debug/difference | jq -e '.differences == []' > /dev/null; }
agent_metric() { curl -s 127.0.0.1:15020/metrics | awk -v name="$1" '$1 == name { print $2 }'; }
agent_maps() { for map in frontends services backends slots; do printf '%s %s, ' "$(agent_metric "waypoint_map_entries{map=\"$map\"}")" "$map"; done | sed 's/, $//'; }
send_agents_away() { kubectl patch "${agents[@]}" -p '{"spec": {"template": {"spec": {"nodeSelector": {"scale.example/away": "true"}}}}}' > /dev/null; }
send_agents_back() { kubectl patch "${agents[@]}" -p '{"spec": {"template": {"spec": {"nodeSelector": {"scale.example/away": null}}}}}' > /dev/null; }
report_agent() { # report_agent WHAT
    until_true 120 "a node agent" agent_is_ready
    agent=$(process waypoint-system app=waypoint-node-agent waypoint-node-agent)
    local ready
    ready=$(age "$agent")
    until_true 60 "maps that say what istiod says" agent_is_in_step
    echo "node agent, $1: ready $ready after its start, in step with istiod after $(age "$agent"); $(milliseconds "$(cpu "$agent")") of CPU; RSS $(rss "$agent"); maps: $(agent_maps)"
}

inside() { nsenter --net="/proc/$waypoint/ns/net" curl -s --max-time 10 "127.0.0.1:15000/$1"; }
waypoint_is_ready() { nsenter --net="/proc/$waypoint/ns/net" curl -s --max-time 2 -f 127.0.0.1:15021/healthz/ready > /dev/null; }
waypoint_knows() { inside clusters | grep -F "::$1:8080::" > /dev/null; }
agent_knows() { curl -s 127.0.0.1:15200/debug/intent | grep -F "\"$1:8080\"" > /dev/null; }

change() { # change SERVICE ADDRESS: of the first endpoint
    kubectl -n "$ns" patch serviceentry "s$1" --type=json -p "[{\"op\": \"replace\", \"path\": \"/spec/endpoints/0/address\", \"value\": \"$2\"}]" > /dev/null
}

# What CHANGES changes take of each, without what the same time takes when nothing happens. As many go before that are not counted: in those
# the runtime compiles what it has found to be used much.
report_change() { # report_change WHAT THIRD-OCTET KNOWS
    local i pids=("$waypoint" "$agent" "$istiod") before=() idle=() after=() start writes
    for ((i = 1; i <= changes * 2; i++)); do change 7 "198.19.$2.$((i + 100))"; sleep 0.5; done
    sleep 10
    for i in 0 1 2; do before[i]=$(cpu "${pids[i]}"); done
    start=$(date +%s%N)
    for ((i = 1; i <= changes; i++)); do sleep 1; done
    local idle_ns=$(($(date +%s%N) - start))
    for i in 0 1 2; do idle[i]=$(($(cpu "${pids[i]}") - before[i])); done

    writes=$(agent_metric waypoint_map_writes_total)
    for i in 0 1 2; do before[i]=$(cpu "${pids[i]}"); done
    start=$(date +%s%N)
    for ((i = 1; i <= changes; i++)); do change 7 "198.19.$2.$i"; sleep 1; done
    local changed_ns=$(($(date +%s%N) - start))
    for i in 0 1 2; do after[i]=$(($(cpu "${pids[i]}") - before[i] - idle[i] * (changed_ns / 1000000) / (idle_ns / 1000000))); done
    until_true 10 "the last change" "$3" "198.19.$2.$changes"
    echo "one changed endpoint, $1: waypoint $(milliseconds "${after[0]}" "$changes") of CPU, node agent $(milliseconds "${after[1]}" "$changes")," \
        "istiod $(milliseconds "${after[2]}" "$changes"); $((($(agent_metric waypoint_map_writes_total) - writes) / changes)) map entries written"
    echo "idle, a second: waypoint $(milliseconds "${idle[0]}" "$changes") of CPU, node agent $(milliseconds "${idle[1]}" "$changes"), istiod $(milliseconds "${idle[2]}" "$changes")"
}

kubectl delete namespace "$ns" --ignore-not-found > /dev/null # of an earlier run
kubectl create namespace "$ns" > /dev/null
kubectl label namespace "$ns" istio.io/dataplane-mode=ambient > /dev/null
{ pod echo; pod client; } | kubectl create -f - > /dev/null
kubectl -n "$ns" wait --for=condition=Ready pod/echo pod/client --timeout=60s > /dev/null
echo_address=$(kubectl -n "$ns" get pod echo -o 'jsonpath={.status.podIP}')

# The agent is away meanwhile, so that it finds all of it new, as on a node that joins.
send_agents_away
until_true 60 "a node without an agent" agent_is_gone
echo "creating $services services with $endpoints endpoints"
for ((i = 0; i < services; i++)); do entry "$i"; done | kubectl create -f - > /dev/null

istioctl waypoint apply -n "$ns" --enroll-namespace > /dev/null
kubectl -n "$ns" annotate gateway waypoint sidecar.istio.io/proxyImage=localhost/waypoint:dev > /dev/null
runs_ours() { kubectl -n "$ns" get deployment waypoint -o 'jsonpath={..image}' 2> /dev/null | grep -q localhost/waypoint; }
until_true 60 "a waypoint with our image" runs_ours
waypoint=
finds_waypoint() { # another than before
    local found
    found=$(process "$ns" gateway.networking.k8s.io/gateway-name=waypoint waypoint)
    [ -n "$found" ] && [ "$found" != "$waypoint" ] && waypoint=$found
}
has_all() { [ "$(inside clusters | grep -c '^inbound-vip.*::observability_name::')" -ge "$services" ]; }
until_true 60 "a waypoint" finds_waypoint
until_true 120 "all clusters" has_all

# One more, which finds them all bound to it in istiod.
kubectl -n "$ns" rollout restart deployment/waypoint > /dev/null
until_true 60 "another waypoint" finds_waypoint
until_true 120 "a waypoint that is ready" waypoint_is_ready
ready=$(age "$waypoint")
used=$(cpu "$waypoint")
has_all || fail "the waypoint is ready without all clusters"
kubectl -n "$ns" rollout status deployment/waypoint --timeout=120s > /dev/null
kubectl -n "$ns" get pod -l gateway.networking.k8s.io/gateway-name=waypoint --sort-by=.metadata.creationTimestamp -o json |
    jq -r '.items[-1].status.conditions | map({(.type): .lastTransitionTime | fromdate}) | add | "waypoint: Kubernetes calls it ready \(.Ready - .PodScheduled) s after it was scheduled"'
echo "waypoint: ready, with all clusters, $ready after its start; $(milliseconds "$used") of CPU; RSS $(rss "$waypoint")"

istiod=$(process istio-system app=istiod pilot-discovery)
send_agents_back
report_agent "to whom all is new"
kubectl rollout restart "${agents[@]}" > /dev/null
kubectl rollout status "${agents[@]}" --timeout=120s > /dev/null
report_agent "that finds its maps"

requests=100
kubectl -n "$ns" exec client -- client --count "$requests" --qps 50 http://240.10.0.1:80/ > /tmp/scale.$$
answered=$(grep -c 'StatusCode=200' /tmp/scale.$$ || true)
passed=$(grep -ci 'RequestHeader=X-Request-Id' /tmp/scale.$$ || true)
rm /tmp/scale.$$
echo "requests to one of the services: $answered of $requests answered, $passed of them through the waypoint"
[ "$answered" = "$requests" ] && [ "$passed" = "$requests" ] || fail "the mesh does not work"

sleep "$quiet"
echo "after $quiet s of quiet: RSS of the waypoint $(rss "$waypoint"), of the node agent $(rss "$agent"), of istiod $(rss "$istiod")"
report_change "behind the waypoint" 0 waypoint_knows
echo "after these changes: RSS of the waypoint $(rss "$waypoint"), of the node agent $(rss "$agent")"

# Without a waypoint the kernel balances the services, and the agent writes every endpoint.
kubectl label namespace "$ns" istio.io/use-waypoint- > /dev/null
start=$(date +%s%N)
before=$(cpu "$agent")
has_backends() { [ "$(agent_metric 'waypoint_map_entries{map="backends"}')" -ge "$endpoints" ] && agent_is_in_step; }
until_true 60 "the endpoints in the maps" has_backends
echo "node agent, all services from waypoint to kernel: in step $(milliseconds $((($(date +%s%N) - start) / 1000))) after the label went," \
    "$(milliseconds $(($(cpu "$agent") - before))) of CPU; RSS $(rss "$agent"); maps: $(agent_maps)"
report_change "balanced by the kernel" 1 agent_knows
