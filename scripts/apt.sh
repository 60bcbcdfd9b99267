#!/bin/sh
# Installs the named Debian packages that are missing when root; otherwise says which are missing and goes on.
set -eu
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "apt-get is not here; install by your own package manager:$missing" >&2
elif [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "missing packages; install them with: sudo apt-get install$missing" >&2
fi
