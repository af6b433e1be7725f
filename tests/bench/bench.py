#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench: what Moonscan costs Exim, as ratios in one run; docs/performance.md tells how to read it.

    bench.py                 the figures with a wanted value, nine interleaved rounds, about 10 minutes
    bench.py --matrix        besides: every host with every delay and client count, bodies of 2 KB to
                             20 MB, 0 to 20 signatures; half an hour more with nine rounds
    bench.py --rounds 1      a trial

Each round measures every host once, in another order each time, so that what else the machine does
falls on all of them; ratios are those of one round, and the table shows their median and extremes.

Hosts: bare, own (Exim's SPF and DKIM), embedded, static, service, service-nocache (it keeps no DNS
answers), rspamd (asked by Exim). Parts:

    load      CPU, session and after-DATA time, messages per second without DNS delay, 1 and 4 clients
    delay     time after DATA with 20 ms for each DNS answer, against the longest chain of questions
              that depend on each other, message by message (the harness computes it), nothing
              cached
    engine    CPU of the engine alone, against the floor of the cryptography and Debian's libraries;
              how it grows with the body
    matrix    what --matrix adds

Wants root (namespaces) and the public harness: MOON_BENCH, or `bench` beside the suites (MOON_SUITES).
rspamd, and libopendmarc-dev for libs.c, are measured where they are installed. Exit status: 0 all
wanted values hold, 1 some do not, 2 wrong usage or a measurement that failed.
"""

import argparse
import contextlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hosts  # noqa: E402
import tables  # noqa: E402
from engines import EngineError, Engines, chain_lengths  # noqa: E402
from hosts import UNCACHED, VARIANTS, Host, Names  # noqa: E402
from lab import LabError  # noqa: E402
from messages import make  # noqa: E402
from place import Harness, be_root, enclosed  # noqa: E402

KB, MB = 1024, 1024 * 1024
LINEAR_SIZES = (200 * KB, 2 * MB, 20 * MB)
SIZES = (2 * KB, 20 * KB, *LINEAR_SIZES)
SIGNATURES = (0, 1, 5, 10, 20)
DELAY_MS = 20


def passes(size):
    """Of the engine over one message: as many bytes for each size, so that starting weighs the same."""
    return min(1000, max(2, 100 * MB // size))


class Bench:
    def __init__(self, options):
        self.options = options
        self.harness = Harness(options.seed)
        self.series = make(self.harness, SIZES, SIGNATURES if options.matrix else ())
        self.chains = chain_lengths(self.harness)
        self.engines = Engines(self.harness, self.series) if "engine" in options.parts else None
        self.hosts = {}
        self.rows = []  # a measurement each: round, part, variant, ... and its figures
        self.notes = []

    # --- what a round is ---------------------------------------------------------------------------

    def conditions(self):
        """(part, corpus's name, corpus, delay, clients, variants, messages) of one round."""
        o, corpus, every = self.options, self.harness.corpus, list(self.hosts)
        whole = len(self.chains)
        if "load" in o.parts:
            for clients in (1, 4):
                yield "load", "corpus", corpus, 0, clients, every, o.messages
        if "delay" in o.parts:
            yield "delay", "corpus", corpus, DELAY_MS, 1, [v for v in every if v in UNCACHED], whole
        if "matrix" not in o.parts:
            return
        for delay in o.delays:
            for clients in o.clients:
                measured = every if "load" in o.parts and delay == 0 and clients in (1, 4) else \
                    UNCACHED if "delay" in o.parts and (delay, clients) == (DELAY_MS, 1) else ()
                yield ("matrix", "corpus", corpus, delay, clients,
                       [v for v in every if v not in measured], whole if delay else o.messages)
        for kind, numbers in (("bytes", SIZES), ("signatures", SIGNATURES)):
            for number in numbers:
                folder = self.series.folder(kind, number)
                count = max(5, min(100, 20 * MB // number)) if kind == "bytes" else 100
                yield "matrix", "%s %d" % (kind, number), folder, 0, 1, every, count

    def round(self, number):
        for part, name, corpus, delay, clients, variants, messages in self.conditions():
            self.names.delay(delay)
            chain_ms = {key: delay * length for key, length in self.chains.items()} \
                if delay and name == "corpus" else None
            if not variants:
                continue
            turn = number % len(variants)
            order = variants[turn:] + variants[:turn]
            for variant in order if number % 2 == 0 else order[::-1]:
                row = self.hosts[variant].measure(corpus, clients, messages, chain_ms)
                self.keep(number, part=part, corpus=name, delay=delay, clients=clients,
                          variant=variant, **row)
            print("    %-7s %-17s %2d ms, %2d clients: %s" % (part, name, delay, clients, "  ".join(
                "%s %.2f" % (v, self.last(v)["after_ms" if delay else "cpu_ms"]) for v in variants)),
                flush=True)
        if self.engines:
            self.names.delay(0)
            self.engine_round(number)

    def engine_round(self, number):
        row = self.engines.measure()
        self.keep(number, part="engine", corpus="corpus", **row)
        print("    engine  CPU us/message: " + "  ".join("%s %.0f" % item for item in row.items()),
              flush=True)
        matrix = "matrix" in self.options.parts
        for size in SIZES if matrix else LINEAR_SIZES:
            self.keep(number, part="engine", corpus="bytes %d" % size,
                      us=self.engines.measure_series("bytes", size, passes(size)))
        for count in SIGNATURES if matrix else ():
            self.keep(number, part="engine", corpus="signatures %d" % count,
                      us=self.engines.measure_series("signatures", count, 500))

    def keep(self, number, **row):
        self.rows.append(dict(round=number, **row))

    def last(self, variant):
        return next(row for row in reversed(self.rows) if row.get("variant") == variant)

    # --- the run -----------------------------------------------------------------------------------

    def start(self, stack):
        """The DNS server and the hosts that are wanted, side by side."""
        self.names = Names(self.harness, self.series.zone)
        others = {self.names.process.pid}
        wanted = self.options.variants if {"load", "delay", "matrix"} & set(self.options.parts) else ()
        for variant in wanted:
            why = hosts.absent(variant)
            if why:
                self.notes.append("left out: %s: %s" % (variant, why))
                continue
            print("bench: starting " + variant, flush=True)
            self.hosts[variant] = stack.enter_context(Host(variant, self.harness, others))
        if self.engines and self.engines.missing:
            self.notes.append("left out: libs: " + self.engines.missing)

    def rounds(self):
        o, began = self.options, time.monotonic()
        print("bench: %d rounds, seed %d, %d CPUs, load average %.2f" % (
            o.rounds, o.seed, os.cpu_count(), os.getloadavg()[0]), flush=True)
        print("\n".join("bench: " + note for note in self.notes), flush=True)
        for number in range(o.rounds):
            self.round(number)
            took = time.monotonic() - began
            print("  round %d of %d done after %d s, %d s to go; load average %.2f" % (
                number + 1, o.rounds, took, took / (number + 1) * (o.rounds - number - 1),
                os.getloadavg()[0]), flush=True)

    def work(self, _folder):
        """Exit status. What was measured before a failure is told, too."""
        o, failure = self.options, None
        try:
            with contextlib.ExitStack() as stack:
                self.start(stack)
                self.rounds()
        except (LabError, EngineError, OSError) as error:
            failure = error
        if o.json:
            with open(o.json, "w", encoding="ascii") as file:
                json.dump({"options": vars(o), "notes": self.notes, "rows": self.rows}, file, indent=1)
        tables.show(self.rows)
        if self.engines and not failure:
            self.show_rounds()
        print("\n".join(["", *self.notes]))
        good = tables.gates(self.rows, o.rounds)
        if failure:
            print("bench: it ended early: %s" % failure, file=sys.stderr)
        return 2 if failure else 0 if good else 1

    def show_rounds(self):
        found = self.engines.rounds()
        longer = found["longer"]
        print("\nDependent DNS rounds: %d of %d messages wait for no more than the chain computed; "
              "%.2f questions a message%s" % (
                  found["messages"] - len(longer), found["messages"], found["questions"],
                  "; more: " + " ".join(longer) if longer else ""))


def numbers_of(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (9)")
    parser.add_argument("--seed", type=int, default=1, help="of the harness's corpus (1)")
    parser.add_argument("--matrix", action="store_true", help="measure everything, see above")
    parser.add_argument("--parts", type=lambda text: text.split(","),
                        help="only these, by commas: load,delay,engine,matrix (the first three)")
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS),
                        help="only these hosts, by commas; ratios need bare (%s)" % ",".join(VARIANTS))
    parser.add_argument("--messages", type=int, default=400,
                        help="of a measurement without delay (400)")
    parser.add_argument("--delays", type=numbers_of, default=[0, DELAY_MS],
                        help="of DNS in ms, for --matrix (0,20)")
    parser.add_argument("--clients", type=numbers_of, default=[1, 4, 16],
                        help="at a time, for --matrix (1,4,16)")
    parser.add_argument("--json", metavar="FILE", help="every measurement, for other programs",
                        type=os.path.abspath)
    options = parser.parse_args()
    options.parts = options.parts or ["load", "delay", "engine"] + ["matrix"] * options.matrix
    options.matrix = options.matrix or "matrix" in options.parts
    for given, known in ((options.parts, ("load", "delay", "engine", "matrix")),
                         (options.variants, VARIANTS)):
        unknown = set(given) - set(known)
        if unknown:
            parser.error("there is no %s; there are %s" % (" ".join(unknown), " ".join(known)))
    be_root()
    try:
        return enclosed(Bench(options).work)
    except EngineError as error:
        print("bench: %s" % error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
