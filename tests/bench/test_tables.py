#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The wanted values of `make bench`: what holds, what does not, what was not measured; ratios are those
of one round. Prints TAP."""

import contextlib
import io
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../support")]

import tables  # noqa: E402
from tap import Suite, want, want_in  # noqa: E402

suite = Suite()
ROUNDS = 3
# What holds, but for little: a table row for each wanted value.
GOOD = {"service cpu_ms": 0.9, "service rate": 0.8, "static rate": 0.6, "of_chain": 1.2,
        "memory": 4.5, "dns": 0.9, "large": 1.1}


def rows_of(figures):
    """Three rounds; in the second the machine is half as fast, which no ratio may notice."""
    rows = []
    for number, slow in ((0, 1.0), (1, 2.0), (2, 1.0)):
        for clients in (1, 4):
            where = {"round": number, "part": "load", "corpus": "corpus", "delay": 0, "clients": clients}
            rows.append({**where, "variant": "bare", "cpu_ms": 2.0, "rate": 400 / slow})
            for variant in ("service", "static"):
                rows.append({**where, "variant": variant, "cpu_ms": 2.0 + figures["service cpu_ms"],
                             "rate": 400 / slow * figures[variant + " rate"]})
        for variant in ("service-nocache", "static", "embedded"):
            rows.append({"round": number, "part": "delay", "variant": variant, "corpus": "corpus",
                         "delay": 20, "clients": 1, "of_chain": figures["of_chain"]})
        engine = {"round": number, "part": "engine"}
        rows.append({**engine, "corpus": "corpus", "floor": 100 * slow, "libs": 800 * slow,
                     "libs_memory": 500 * slow,
                     "memory": 100 * slow * figures["memory"], "dns": 800 * slow * figures["dns"]})
        for size, us in ((2, 10), (20, 20), (200, 20 + 100 * figures["large"])):
            rows.append({**engine, "corpus": "bytes %d" % size, "us": us * slow})
    return rows


def gates(rows):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        return tables.gates(rows, ROUNDS), out.getvalue()


@suite.case()
def all_hold_whatever_the_speed_of_a_round(_):
    good, text = gates(rows_of(GOOD))
    want(good, True, "outcome")
    want(text.count("  yes\n"), 11, "figures that hold")
    want_in("a trial: fewer than nine rounds", text, "what it says")


@suite.case()
def each_figure_that_is_missed_is_told(_):
    for figure, value, count in (("service cpu_ms", 1.1, 2), ("service rate", 0.7, 1),
                                 ("static rate", 0.4, 1), ("of_chain", 1.3, 3), ("memory", 5.1, 2),
                                 ("dns", 1.0, 1), ("large", 1.3, 1)):
        good, text = gates(rows_of({**GOOD, figure: value}))
        want((good, text.count("  NO\n")), (False, count), figure)


@suite.case()
def what_was_not_measured_is_told_and_fails_nothing(_):
    good, text = gates([row for row in rows_of(GOOD) if row["part"] != "delay"])
    want(good, True, "outcome")
    want(text.count("not measured\n"), 3, "figures not measured")


@suite.case()
def the_median_of_the_rounds_decides(_):
    rows = rows_of(GOOD)
    for row in rows:
        if row["part"] == "delay" and row["round"] == 1:
            row["of_chain"] = 5.0
    want(gates(rows)[0], True, "outcome with one bad round")
    for row in rows:
        if row["part"] == "delay" and row["round"] == 2:
            row["of_chain"] = 5.0
    want(gates(rows)[0], False, "outcome with two of three")


@suite.case()
def every_condition_has_its_table(_):
    out = io.StringIO()
    rows = rows_of(GOOD)
    for row in rows:
        if "variant" in row:
            row.update({"session_ms": 1, "after_ms": 1, "questions": 1, "cpu_ms": 2, "rate": 1})
    with contextlib.redirect_stdout(out):
        tables.show(rows)
    for title in ("DNS 0 ms, 1 client:", "DNS 0 ms, 4 clients:", "DNS 20 ms, 1 client:",
                  "The engine alone", "a body of 200 bytes"):
        want_in(title, out.getvalue(), "tables")


if __name__ == "__main__":
    sys.exit(suite.main())
