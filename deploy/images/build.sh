#!/bin/sh
# Builds the images of the three programs and leaves each as an archive beside: artifacts/images/NAME.tar.
#   REGISTRY   before the names (localhost)
#   TAG        after them (dev)
#   BASE       the base image; "debian" assembles one from Debian's packages (images/base.sh)
#   IMAGES     which ones (waypoint node-agent control-plane)
set -eu
cd "$(dirname "$0")/../.."

registry=${REGISTRY:-localhost}
tag=${TAG:-dev}
base=${BASE:-}
case $(uname -m) in
    x86_64) rid=linux-x64 ;;
    aarch64) rid=linux-arm64 ;;
    *) echo "images: no .NET runtime for $(uname -m)" >&2; exit 1 ;;
esac

if [ "$base" = debian ]; then
    base=localhost/waypoint-base:bookworm
    buildah inspect --type image "$base" > /dev/null 2>&1 || deploy/images/base.sh "$base"
fi

# publish PROJECT: into the context's bin/; Directory.Build.targets says what publishing makes.
publish() {
    dotnet publish "$1" --configuration Release --runtime "$rid" --nologo --verbosity quiet --output "$context/bin" \
        -p:DebugType=none -p:StaticWebAssetsEnabled=false
}

# image NAME: an image of the context artifacts/images/NAME.
image() {
    context=artifacts/images/$1
    name=$registry/$1:$tag
    rm -f "$context.tar"
    buildah build --quiet ${base:+--build-arg BASE="$base"} --file "deploy/images/$1.Dockerfile" --tag "$name" "$context" > /dev/null
    buildah push --quiet "$name" "docker-archive:$context.tar:$name"
    echo "$name: $(du -m "$context.tar" | cut -f1) MB"
}

for name in ${IMAGES:-waypoint node-agent control-plane}; do
    context=artifacts/images/$name
    rm -rf "$context"
    mkdir -p "$context"
    case $name in
        waypoint)
            publish waypoint
            ln -s waypoint "$context/bin/pilot-agent"
            ;;
        node-agent)
            publish node-agent
            mkdir "$context/lib"
            for library in libbpf.so.1 libelf.so.1 libz.so.1; do
                cp -L "$(ldconfig -p | sed -n "s/.*=> \(.*$library\)$/\1/p" | head -1)" "$context/lib/$library"
            done
            ;;
        control-plane)
            publish gateway-api/control-plane
            ;;
        *) echo "images: there is no image $name" >&2; exit 1 ;;
    esac
    image "$name"
done
