#!/bin/sh
# Installs what building, demo and tests need on Debian 12 and is not there yet; does nothing, quickly, when all is.
# The .NET SDK is a precondition. The -core packages of MariaDB hold the programs without a service that would start by itself.
set -eu

packages="clang llvm libbpf-dev libelf-dev zlib1g-dev bpftool make iproute2 util-linux procps curl ca-certificates git
nghttp2-client python3 python3-grpcio python3-websockets mariadb-server-core mariadb-client-core"

if ! command -v dotnet > /dev/null || ! dotnet --version > /dev/null 2>&1; then
    echo "setup: no .NET SDK $(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$(dirname "$0")/global.json") or later 10.0 in PATH: https://dotnet.microsoft.com/download/dotnet/10.0" >&2
    exit 1
fi

missing=""
for package in $packages; do
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2> /dev/null)" = "ii " ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup: run as root, or install by hand:$missing" >&2
    exit 1
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -y -qq --no-install-recommends $missing > /dev/null
