#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public harness's corpora (tests/bench/place.py), with DNS from their zone files: every message has
the SPF, DKIM, DMARC and ARC results that the generator made it for, and waits for no more DNS answers one
after the other than the generator counts. `make bench-agree` does the first with the harness's own
comparison and real DNS, as root. Prints TAP."""

import importlib.util
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../bench"), os.path.join(HERE, "../support")]

from place import BUILD, Harness  # noqa: E402
from tap import Suite, want  # noqa: E402

SEEDS = (1, 2)
MODULES = ("authres", "cryptography", "dkim", "nacl")  # of its generator
suite = Suite()


def evaluated(seed):
    """[(what was intended, what came out)] of each message."""
    harness = Harness(seed)
    done = subprocess.run([os.path.join(BUILD, "moonscan"), "bench", "--zone",
                           os.path.join(harness.corpus, "example.zone"), harness.corpus],
                          stdout=subprocess.PIPE, text=True, check=True)
    rows = {row["id"]: row for row in map(json.loads, done.stdout.splitlines()) if "id" in row}
    with open(os.path.join(harness.corpus, "manifest.json"), encoding="utf-8") as file:
        messages = json.load(file)["messages"]
    want(len(messages) > 100, True, "messages")
    want(sorted(rows), sorted(message["id"] for message in messages), "messages evaluated")
    return [(message, rows[message["id"]]) for message in messages]


def passing(signatures):
    return sorted((s["d"], s["s"]) for s in signatures if s["result"] == "pass")


@suite.case()
def every_message_has_the_results_that_it_was_made_for(_):
    for seed in SEEDS:
        for message, row in evaluated(seed):
            name, intended = "seed %d, %s" % (seed, message["id"]), message["expect"]
            for method in ("spf", "dmarc", "arc"):
                want(row[method], intended[method], "%s of %s" % (method, name))
            want(passing(row["dkim"]), passing(intended["dkim"]), "signatures that pass of " + name)


@suite.case()
def no_message_waits_for_more_answers_than_its_longest_chain(_):
    """But where DMARC fails under p=reject: whether the domain is parked takes a question more."""
    for seed in SEEDS:
        for message, row in evaluated(seed):
            intended = message["expect"]
            parked = intended["dmarc"] == "fail" and intended["dmarc_policy"] == "reject"
            most = message["dns"]["depth"] + parked
            want(min(row["rounds"], most), row["rounds"], "rounds of seed %d, %s" % (
                seed, message["id"]))


def main():
    try:
        Harness.find()
    except SystemExit:  # it has said where it looked
        print("1..0 # SKIP the public harness is not found, set MOON_BENCH")
        return 0
    missing = [name for name in MODULES if not importlib.util.find_spec(name)]
    if missing:
        print("1..0 # SKIP the harness's generator needs the Python modules " + " ".join(missing))
        return 0
    return suite.main()


if __name__ == "__main__":
    sys.exit(main())
