#!/bin/sh
# Installs what Kneelab needs on Debian 12 (configs/packages.txt) and builds it into ./build.
# Packages that are there are left alone; nothing outside the package manager is touched.
set -eu
cd "$(dirname "$0")/.."

missing=""
while read -r package; do
    case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done <configs/packages.txt

if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ]; then
        root=""
    elif command -v sudo >/dev/null 2>&1; then
        root="sudo"
    else
        echo "setup: these packages are missing:$missing" >&2
        echo "setup: install them as root (apt-get install$missing), then run this again" >&2
        exit 1
    fi
    $root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words on purpose
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@" >/dev/null
cmake --build build
