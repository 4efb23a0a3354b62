# The Gateway API control plane.
ARG BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
FROM ${BASE}

COPY bin/ /usr/local/bin/

ENV DOTNET_EnableDiagnostics=0 \
    PATH=/usr/local/bin:/usr/bin:/bin

USER 1337:1337
ENTRYPOINT ["/usr/local/bin/waypoint-control-plane"]
