# Two commands matter: `make demo` and `make test`. Each does its own set-up.

DOTNET_FLAGS := --configuration Release --nologo
TEST_FLAGS   := $(DOTNET_FLAGS) --no-build -maxcpucount:1 --logger "trx" --results-directory artifacts/test-results
SHARED       ?= $(or $(WAYPOINT_SHARED),../shared)
CLUSTER      ?= $(SHARED)/cluster/cluster

.PHONY: demo test test-shared test-cluster bench insns images build setup root format clean

demo: build root ## KEEP=1 leaves the mesh up
	@artifacts/bin/Waypoint.Demo/release/waypoint-demo $(if $(KEEP),--keep)

test: build root
	@rm -rf artifacts/test-results
	dotnet test Waypoint.sln $(TEST_FLAGS) --filter "Needs!=shared&Needs!=cluster"

test-shared: build root ## against the foreign programs in $(SHARED)
	@test -x $(SHARED)/bin/get || { echo "test-shared: $(SHARED)/bin/get: not found; set WAYPOINT_SHARED" >&2; exit 1; }
	$(SHARED)/bin/get istio-echo-client istio-echo-server k6 ghz grpcurl h2spec extauthz envoy
	@rm -rf artifacts/test-results
	WAYPOINT_SHARED=$(abspath $(SHARED)) dotnet test Waypoint.sln $(TEST_FLAGS) --filter "Needs=shared"

test-cluster: build root ## in a real Kubernetes with istiod: one that $(CLUSTER) brings up, or the one of KUBECONFIG
	@tests/cluster/prepare.sh "$(CLUSTER)"
	@rm -rf artifacts/test-results
	WAYPOINT_SHARED=$(abspath $(SHARED)) PATH="$(CURDIR)/artifacts/prometheus/usr/bin:$$PATH" $(if $(wildcard $(CLUSTER)),NODE_CGROUPS=/host/sys/fs/cgroup/unified/test-cluster $(CLUSTER) exec) dotnet test tests/cluster $(TEST_FLAGS)

bench: build root
	@artifacts/bin/Waypoint.Bench/release/waypoint-bench

insns: build root ## the verifier's instruction count of each BPF program
	@$(MAKE) --no-print-directory -C bpf insns

images: setup ## of the three programs, as archives in artifacts/images; see deploy/images/build.sh for its variables
	@deploy/images/build.sh

build: setup
	dotnet build Waypoint.sln $(DOTNET_FLAGS) -verbosity:quiet

setup:
	@./setup.sh

root:
	@test "$$(id -u)" -eq 0 || { echo "make: run as root: network namespaces, cgroups and BPF need it" >&2; exit 1; }

format:
	dotnet format Waypoint.sln
	find bpf -name '*.[ch]' -not -path '*/build/*' -exec clang-format -i {} +

clean:
	rm -rf artifacts bpf/build
