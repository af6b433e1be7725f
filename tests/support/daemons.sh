#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# daemons.sh [DIR]: the mail, name and counter servers that the demo and the tests run, unpacked into DIR
# (default build/daemons) and never installed: no maintainer script runs, no service starts, and a
# mail server of this machine stays what it is. A package already unpacked is left alone.
set -eu
dir=${1:-build/daemons}
mkdir -p "$dir/deb"

# apt-get as root changes to user _apt, who may not write here: that warning is of no use.
sandbox=()
[ "$(id -u)" != 0 ] || sandbox=(-o APT::Sandbox::User=root)

# unpack NAME PACKAGE FILE: PACKAGE into DIR/NAME; FILE shows that it is there.
unpack() {
    local name=$1 package=$2 file=$3 deb
    if [ -e "$dir/$name/$file" ] && [ -e "$dir/$name/.version" ]; then
        echo "daemons: $package $(cat "$dir/$name/.version") is unpacked"
        return
    fi
    rm -rf "${dir:?}/$name" "$dir/deb/$package"_*.deb
    if ! (cd "$dir/deb" && apt-get "${sandbox[@]}" -qq download "$package") 2>"$dir/deb/error"; then
        cat "$dir/deb/error" >&2
        echo "daemons: cannot fetch $package; try: apt-get update" >&2
        exit 1
    fi
    deb=$(ls "$dir/deb/$package"_*.deb)
    mkdir "$dir/$name"
    dpkg -x "$deb" "$dir/$name"
    # Exim's binary is packaged setuid root: nobody needs such a file in a build folder.
    chmod -R u-s,g-s "$dir/$name"
    dpkg-deb -f "$deb" Version >"$dir/$name/.version"
    echo "daemons: $package $(cat "$dir/$name/.version") unpacked into $dir/$name"
}

# The same with packages of Debian's backports; their lists are kept in DIR, apart from the machine's.
# Without them the tests of the newer Exim say so and are skipped.
from_backports() {
    local options=(-o "Dir::Etc::sourcelist=$PWD/$dir/backports/sources.list"
        -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$PWD/$dir/backports/lists"
        -o "Dir::Cache=$PWD/$dir/backports/cache")
    if [ ! -e "$dir/$1/.version" ]; then
        mkdir -p "$dir/backports/lists/partial" "$dir/backports/cache/archives/partial"
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
            "http://deb.debian.org/debian bookworm-backports main" >"$dir/backports/sources.list"
        if ! apt-get "${sandbox[@]}" "${options[@]}" -qq update >"$dir/deb/error" 2>&1; then
            echo "daemons: Debian's backports cannot be reached; $2 of backports is left out"
            return
        fi
    fi
    sandbox+=("${options[@]}")
    unpack "$@"
}

unpack heavy exim4-daemon-heavy usr/sbin/exim4
unpack light exim4-daemon-light usr/sbin/exim4
unpack config exim4-config usr/sbin/update-exim4.conf
unpack nsd nsd usr/sbin/nsd
# The server is the program of redis-tools under another name; redis-server is scripts.
unpack redis redis-tools usr/bin/redis-check-rdb
ln -sf redis-check-rdb "$dir/redis/usr/bin/redis-server"
# Last: its options are for all that comes behind.
from_backports newer exim4-daemon-light usr/sbin/exim4
# For what only this one has: ${dlfunc}.
from_backports newer-heavy exim4-daemon-heavy usr/sbin/exim4
