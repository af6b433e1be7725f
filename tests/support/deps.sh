#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# deps.sh [DIR]: what building and testing needs, installed with apt where it is missing.
#
# 1. The packages by name, and the libraries that the daemons of daemons.sh are linked to. The
#    daemons themselves are never installed: they would replace this machine's mail server.
# 2. Nothing missing: one line, and no network access.
# 3. Otherwise says what it installs, brings apt's lists up to date and installs; as another user
#    than root with sudo, and where there is no sudo it prints the command for root and fails.
# 4. The daemons are unpacked into DIR (daemons.sh).
set -eu
cd "$(dirname "$0")/../.."
daemons="exim4-daemon-heavy exim4-daemon-light nsd redis-tools"
packages="gcc libc6-dev make pkg-config dpkg-dev python3 python3-yaml
    liblua5.4-dev libspf2-dev libopendkim-dev libpsl-dev libidn2-dev libunistring-dev libbsd-dev libc-ares-dev libssl-dev
    libseccomp-dev libsqlite3-dev libhiredis-dev libcmocka-dev exim4-dev libdb-dev libpcre2-dev
    clang clang-format libclang-rt-14-dev valgrind"

run_as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps: this needs root, and there is no sudo. As root: apt-get update &&" \
            "apt-get install -y --no-install-recommends $missing" >&2
        exit 1
    fi
}

# Libraries of the daemons: of each group of alternatives the first, names that begin with lib.
libraries() {
    apt-cache show --no-all-versions $daemons 2>/dev/null | sed -n 's/^Depends: //p' | tr ',' '\n' |
        sed -e 's/|.*//' -e 's/(.*//' -e 's/:any//' -e 's/ //g' | grep '^lib' | sort -u
}

# Those of the packages named that are not installed.
not_installed() {
    local p
    for p in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
    done
}

export DEBIAN_FRONTEND=noninteractive
lists=$(libraries) || lists=
missing=$(echo $(not_installed $packages $lists))
if [ -n "$missing" ] || [ -z "$lists" ]; then
    echo "deps: missing: ${missing:-nothing known; the lists of apt are empty}"
    run_as_root apt-get -qq update || echo "deps: apt-get update had errors; going on" >&2
    # A list that was empty or old may have hidden a library.
    missing=$(echo $(not_installed $packages $(libraries)))
fi
if [ -n "$missing" ]; then
    echo "deps: installing: $missing"
    run_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
        -o Dpkg::Progress-Fancy=0 install -y --no-install-recommends $missing >/dev/null
    echo "deps: installed"
else
    echo "deps: nothing to install"
fi
exec bash tests/support/daemons.sh "$@"
