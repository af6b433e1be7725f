#!/bin/sh
# SPDX-License-Identifier: MIT
#
# amalgamate: writes C sources as one file to standard output. Headers of this tree are put in where
# they are first included, and only once; all other includes stay. Works in the top folder.
#
#   amalgamate.sh PROGRAM FILE.c ...      PROGRAM: default path of the worker's program
set -eu

program=$1
shift
cat <<END
/* SPDX-License-Identifier: MIT
 *
 * The Moonscan module for Exim as one file, written by \`make amalgamation\`. In Local/Makefile:
 *
 *   HAVE_LOCAL_SCAN=yes
 *   LOCAL_SCAN_SOURCE=Local/moonscan_local_scan.c
 *   LOCAL_SCAN_HAS_OPTIONS=yes
 *
 * It needs no library but libc.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef MOON_PROGRAM
#define MOON_PROGRAM "$program"
#endif
END
exec awk '
    function put(file,    line, name) {
        if (file in seen)
            return
        seen[file] = 1
        printf "\n/* --- %s --- */\n", file
        while ((status = (getline line < file)) > 0) {
            if (line ~ /^#include "(engine|local_scan)\//) {
                name = line
                sub(/^#include "/, "", name)
                sub(/".*/, "", name)
                put(name)
            } else {
                print line
            }
        }
        if (status < 0) {
            printf "amalgamate: cannot read %s\n", file > "/dev/stderr"
            exit 1
        }
        close(file)
    }
    BEGIN {
        for (i = 1; i < ARGC; i++)
            put(ARGV[i])
    }' "$@"
