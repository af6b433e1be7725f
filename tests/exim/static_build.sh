#!/bin/sh
# SPDX-License-Identifier: MIT
#
# static_build: Debian's Exim source with the module built in (LOCAL_SCAN_SOURCE), for tests.
#
#   static_build.sh WORK AMALGAMATION     both are made absolute; WORK/exim is the binary
#
#  1 the packages that the build needs must be there;
#  2 the source package comes by apt with lists, cache and source entries of its own below WORK: the
#    machine's are only read;
#  3 a small Local/Makefile, make, and the binary moved to WORK/exim. With -rdynamic, ${dlfunc}
#    finds the module in the binary itself.
#
# Status 77 and one line of reason when the source or a package cannot be had. A binary that is newer
# than the amalgamation is kept.
set -eu

if [ $# != 2 ] || [ ! -f "$2" ]; then
    echo "usage: static_build.sh WORK AMALGAMATION" >&2
    exit 2
fi
mkdir -p "$1"
work=$(cd "$1" && pwd)
amalgamation=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
log=$work/build.log

skip() {
    echo "static_build: skipped: $1"
    exit 77
}

if [ -x "$work/exim" ] && [ "$work/exim" -nt "$amalgamation" ]; then
    echo "static_build: $work/exim is up to date"
    exit 0
fi

# Step 1.
for package in libdb-dev libpcre2-dev libssl-dev dpkg-dev; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
        skip "package $package is missing"
done

# Step 2.
private_apt() {
    apt-get -qq -o "Dir::Etc::SourceList=$work/apt/sources.list" \
        -o "Dir::Etc::SourceParts=$work/apt/sources.d" -o "Dir::State::Lists=$work/apt/lists" \
        -o "Dir::Cache=$work/apt/cache" -o "APT::Sandbox::User=root" "$@"
}

fetch() {
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/sources.d"
    : >"$work/apt/sources.list"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || sed -n 's/^deb /deb-src /p' "$file" >>"$work/apt/sources.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" \
            >"$work/apt/sources.d/$(basename "$file")"
    done
    # Sources that have nothing of Exim's may fail: what counts is whether exim4 comes.
    private_apt update >"$work/apt/update.log" 2>&1 || true
    (cd "$work" && private_apt --only-source source --download-only exim4) \
        >"$work/apt/source.log" 2>&1
}

if [ ! -d "$work/source" ]; then
    ls "$work"/exim4_*.dsc >/dev/null 2>&1 || fetch ||
        skip "the source package exim4 cannot be fetched: $(tail -n 1 "$work/apt/source.log")"
    rm -rf "$work/source.new"
    dpkg-source --no-check -x "$work"/exim4_*.dsc "$work/source.new" >"$log" 2>&1 ||
        skip "the source package exim4 cannot be unpacked: $(tail -n 1 "$log")"
    mv "$work/source.new" "$work/source"
fi

# Step 3. Users are numbers here and set again by exim_user in the tests' configuration.
mkdir -p "$work/source/Local"
cp "$amalgamation" "$work/source/Local/moonscan_local_scan.c"
cat >"$work/source/Local/Makefile.new" <<'END'
BIN_DIRECTORY=/nonexistent/bin
CONFIGURE_FILE=/nonexistent/exim.conf
EXIM_USER=65534
EXIM_GROUP=65534
SPOOL_DIRECTORY=/nonexistent/spool
ROUTER_ACCEPT=yes
ROUTER_DNSLOOKUP=yes
ROUTER_MANUALROUTE=yes
ROUTER_REDIRECT=yes
TRANSPORT_APPENDFILE=yes
TRANSPORT_PIPE=yes
TRANSPORT_SMTP=yes
SUPPORT_MAILDIR=yes
LOOKUP_DBM=yes
LOOKUP_LSEARCH=yes
LOOKUP_DNSDB=yes
AUTH_PLAINTEXT=yes
PCRE2_CONFIG=yes
USE_OPENSSL=yes
USE_OPENSSL_PC=openssl
USE_DB=yes
DBMLIB=-ldb
HAVE_IPV6=YES
FIXED_NEVER_USERS=
HEADERS_CHARSET="UTF-8"
SYSLOG_LOG_PID=yes
EXICYCLOG_MAX=10
COMPRESS_COMMAND=/bin/gzip
COMPRESS_SUFFIX=gz
ZCAT_COMMAND=/bin/zcat
SYSTEM_ALIASES_FILE=/nonexistent/aliases
TMPDIR="/tmp"
HAVE_LOCAL_SCAN=yes
LOCAL_SCAN_SOURCE=Local/moonscan_local_scan.c
LOCAL_SCAN_HAS_OPTIONS=yes
EXPAND_DLFUNC=yes
EXTRALIBS=-rdynamic
WITH_CONTENT_SCAN=yes
END
if cmp -s "$work/source/Local/Makefile.new" "$work/source/Local/Makefile"; then
    rm "$work/source/Local/Makefile.new"
else
    mv "$work/source/Local/Makefile.new" "$work/source/Local/Makefile"
fi
if ! make -C "$work/source" -j2 >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "static_build: the build failed, see $log" >&2
    exit 1
fi
cp "$work"/source/build-*/exim "$work/exim.new"
mv "$work/exim.new" "$work/exim"
echo "static_build: built $work/exim"
