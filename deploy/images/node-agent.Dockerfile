# The node agent. It runs as root: the capabilities that deploy/node-agent.yaml names take effect for no other user.
ARG BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
FROM ${BASE}

# libbpf and what it needs, for bases that have none.
COPY lib/ /usr/lib/waypoint/
COPY bin/ /usr/local/bin/

ENV DOTNET_EnableDiagnostics=0 \
    LD_LIBRARY_PATH=/usr/lib/waypoint \
    PATH=/usr/local/bin:/usr/bin:/bin

USER 0:0
ENTRYPOINT ["/usr/local/bin/waypoint-node-agent"]
