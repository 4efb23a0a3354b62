#!/bin/sh
# Makes the cluster of the tests ready: brings one up when the script of one is given (and it is not up), and loads the images of this build.
# With a cluster of your own (KUBECONFIG), push localhost/waypoint:dev and localhost/node-agent:dev to its nodes first, and localhost/echo:1, which
# holds Istio's echo server (entry point) and client (/usr/local/bin/client), and localhost/k6:1.
# usage: prepare.sh [CLUSTER-SCRIPT]
set -eu
cd "$(dirname "$0")/../.."

cluster=$1
if [ ! -x "$cluster" ]; then
    [ -n "${KUBECONFIG:-}" ] || { echo "test-cluster: neither $cluster nor KUBECONFIG is there" >&2; exit 1; }
    exit 0
fi

# Unpacked, not installed: the package would start a service.
if ! command -v prometheus > /dev/null && [ ! -x artifacts/prometheus/usr/bin/prometheus ]; then
    mkdir -p artifacts/prometheus
    (cd artifacts/prometheus && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb --extract prometheus_*.deb .)
fi

command -v buildah > /dev/null || apt-get install -y -qq --no-install-recommends buildah > /dev/null
# Asked, not looked up: of a cluster whose processes have died everything but the answer is still there.
"$cluster" kubectl get --raw /readyz > /dev/null 2>&1 || { "$cluster" down > /dev/null 2>&1 || true; "$cluster" up; }
get=$(dirname "$cluster")/../bin/get
"$get" istio-echo-client istio-echo-server k6 > /dev/null
"$cluster" image localhost/echo:1 "$(command -v istio-echo-server):/usr/local/bin/server" "$(command -v istio-echo-client):/usr/local/bin/client" -- /usr/local/bin/server
"$cluster" image localhost/k6:1 "$(command -v k6):/usr/local/bin/k6" -- /usr/local/bin/k6
BASE=debian IMAGES="waypoint node-agent" deploy/images/build.sh
for image in waypoint node-agent; do
    "$cluster" load "artifacts/images/$image.tar"
done

# What runs since an earlier time runs the images of that time.
"$cluster" kubectl -n shop rollout restart deployment/waypoint > /dev/null 2>&1 || true
"$cluster" kubectl -n waypoint-system rollout restart daemonset/waypoint-node-agent > /dev/null 2>&1 || true
