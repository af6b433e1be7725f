# SPDX-License-Identifier: MIT
"""source: rules on C: who may include whom, which functions are never called."""

import re

from tree import code_of

# Room -> what it may include beside itself: a room, or one header of a room (docs/design.md).
ROOMS = {
    "local_scan": ["engine/wire/", "engine/base/buf.h", "engine/base/limits.h",
                   "engine/base/nearest.h"],
    "engine/base": [],
    "engine/wire": ["engine/base/buf.h", "engine/base/limits.h"],
    "engine/dns": ["engine/base/"],
    "engine/message": ["engine/base/"],
    "engine/auth": ["engine/message/", "engine/dns/", "engine/base/"],
    "engine/store": ["engine/base/"],
    "engine/verdict": ["engine/store/store.h", "engine/auth/", "engine/message/", "engine/dns/", "engine/base/"],
    "lua": ["engine/verdict/policy.h", "engine/verdict/verdict.h", "engine/verdict/asks.h",
            "engine/auth/results.h", "engine/message/", "engine/base/"],
    "engine/report": ["engine/verdict/", "engine/auth/results.h", "engine/dns/", "engine/message/",
                      "engine/base/"],
    "engine/trial": ["lua/tests.h", "lua/rules.h", "engine/store/store.h", "engine/verdict/", "engine/auth/",
                     "engine/message/", "engine/dns/", "engine/base/"],
    "engine/cmd": ["engine/", "lua/"],
}

# A foreign library's header -> files outside tests/ that may include it; True: this room only.
ADAPTERS = {
    r"local_scan\.h$": "local_scan",
    r"^(lua|lauxlib|lualib)\.h$": "lua",
}
ONE_FILE = [r"^spf2/", r"^opendkim/", r"^ares", r"^libpsl\.h$", r"^idn2\.h$", r"^seccomp\.h$",
            r"^sqlite3\.h$", r"^hiredis/"]

FORBIDDEN = {
    "strcpy": "no bound", "strcat": "no bound", "stpcpy": "no bound", "gets": "no bound",
    "sprintf": "no bound", "vsprintf": "no bound", "alloca": "no bound",
    "strtok": "use base/buf", "strtok_r": "use base/buf", "sscanf": "use base/buf",
    "atoi": "use moon_span_number", "atol": "use moon_span_number", "atof": "it depends on the locale",
    "setlocale": "the engine has no locale", "strcasecmp": "it depends on the locale",
    "strncasecmp": "it depends on the locale", "tmpnam": "a race", "mktemp": "a race",
}
FORBIDDEN.update({name: "it depends on the locale" for name in (
    "isalpha", "isdigit", "isalnum", "isspace", "isupper", "islower", "isxdigit", "isprint",
    "iscntrl", "ispunct", "isgraph", "tolower", "toupper")})
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN) + r")\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def room_of(name):
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "engine" else parts[0]


def includes_of(tree, name):
    for number, line in enumerate(tree.lines(name), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def rooms(tree):
    users = {pattern: {} for pattern in ONE_FILE}
    for name in tree.named(".c", ".h"):
        room = room_of(name)
        if room == "tests":
            continue
        allowed = ROOMS.get(room)
        if allowed is None:
            yield f"{name}:1: '{room}' is no room of docs/design.md"
            continue
        for number, quote, header in includes_of(tree, name):
            own = quote == '"' and not header.endswith("local_scan.h")
            if own and not header.startswith(("engine/", "lua/", "local_scan/")):
                yield f"{name}:{number}: write \"{header}\" from the top of the tree"
            elif own and room_of(header) != room and not header.startswith(tuple(allowed)):
                yield f"{name}:{number}: {room} may not include {header}"
            for pattern, only in ADAPTERS.items():
                if re.search(pattern, header) and room != only:
                    yield f"{name}:{number}: {header} belongs to {only}/ only"
            for pattern in ONE_FILE:
                if re.search(pattern, header):
                    users[pattern].setdefault(name, number)
    for pattern, files in users.items():
        for name in sorted(files)[1:]:
            yield (f"{name}:{files[name]}: a header that matches {pattern} is in "
                   f"{sorted(files)[0]} already; one adapter file each")


def functions(tree):
    """Tests may: what they copy is their own, and they run under the address sanitizer."""
    for name in tree.named(".c", ".h"):
        if name.startswith("tests/"):
            continue
        for number, line in enumerate(code_of(tree.text(name)).split("\n"), 1):
            found = CALL.search(line)
            if found:
                yield f"{name}:{number}: {found.group(1)}: {FORBIDDEN[found.group(1)]}"
        for number, _, header in includes_of(tree, name):
            if header in ("ctype.h", "locale.h", "alloca.h"):
                yield f"{name}:{number}: {header}: base/buf has classes without locale"
