#!/bin/sh
# Assembles a base image from Debian's packages: what a self-contained .NET program loads, and nothing else (no shell, no package
# manager). For machines that cannot pull Microsoft's chiseled image, which is the Dockerfiles' default.
# usage: base.sh NAME:TAG
set -eu

image=$1
packages="libc6 libgcc-s1 libstdc++6 libssl3 ca-certificates"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root
lib=$(dpkg-architecture --query DEB_HOST_MULTIARCH 2> /dev/null || gcc -print-multiarch)
mkdir -p "$work/packages" "$work/debs" "$root/etc/ssl/certs" "$root/usr/lib/$lib" "$root/usr/local/bin" "$root/etc/istio/proxy"

# The sandbox user of apt may not write here.
# shellcheck disable=SC2086 # one word a package
(cd "$work/debs" && apt-get -o APT::Sandbox::User=root download -qq $packages)
for deb in "$work"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$work/packages"
done

# Shared objects only: converters between character sets and documents are most of the rest.
find "$work/packages" -path '*/gconv' -prune -o -path "*/lib/$lib/*" \( -name '*.so' -o -name '*.so.*' \) -print |
    while read -r file; do
        cp -P "$file" "$root/usr/lib/$lib/"
    done
ln -s usr/lib "$root/lib"
if [ -e "$work/packages/lib64" ] || [ -L "$work/packages/lib64" ]; then
    mkdir -p "$root/usr/lib64"
    ln -s usr/lib64 "$root/lib64"
    ln -s "../lib/$lib/ld-linux-x86-64.so.2" "$root/usr/lib64/ld-linux-x86-64.so.2"
fi
find "$work/packages/usr/share/ca-certificates" -name '*.crt' -exec cat {} + > "$root/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/:/sbin/nologin\nistio-proxy:x:1337:1337::/etc/istio/proxy:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\nistio-proxy:x:1337:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"

container=$(buildah from scratch)
buildah copy --quiet "$container" "$root" / > /dev/null
buildah commit --quiet --rm "$container" "$image" > /dev/null
