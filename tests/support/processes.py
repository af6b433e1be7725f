# SPDX-License-Identifier: MIT
"""processes: what runs on this machine, out of /proc."""

import glob


def processes():
    """pid -> (parent, state, command line) of everything that runs."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/stat", encoding="latin-1") as file:
                rest = file.read().rsplit(")", 1)[1].split()
            with open(path + "/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode("latin-1").strip()
        except OSError:
            continue
        found[int(path[6:])] = (int(rest[1]), rest[0], line)
    return found


def descendants(of):
    """Process ids below `of`, zombies left out: pid -> command line."""
    every = processes()
    below = {}
    todo = [of]
    while todo:
        parent = todo.pop()
        for pid, (ppid, state, line) in every.items():
            if ppid == parent and pid not in below:
                todo.append(pid)
                if state != "Z":
                    below[pid] = line
    return below
