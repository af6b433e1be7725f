# SPDX-License-Identifier: MIT
"""tables: what was measured, as people read it: medians with the extremes of the rounds behind them,
and the figures that have a wanted value."""

from statistics import median


def spread(values, form):
    """median (least-most)"""
    ordered = sorted(values)
    return ("%s (%s-%s)" % (form, form, form)) % (median(ordered), ordered[0], ordered[-1])


def select(rows, **wanted):
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def pairs(rows, variant, figure, **condition):
    """Of each round that has both: (this variant's figure, bare's); none for bare itself."""
    if variant == "bare":
        return []
    bare = {row["round"]: row[figure] for row in select(rows, variant="bare", **condition)}
    return [(row[figure], bare[row["round"]]) for row in select(rows, variant=variant, **condition)
            if row["round"] in bare]


KEEPING = ("service", "rspamd")  # DNS answers, as they do by default
HEAD = ("host", "CPU ms/message", "more than bare", "msg/s", "of bare", "session ms", "after DATA ms",
        "of the DNS chain", "DNS questions")


def lines_of(rows, condition):
    """One table's cells."""
    variants = list(dict.fromkeys(row["variant"] for row in select(rows, **condition)))
    for variant in variants:
        mine = select(rows, variant=variant, **condition)

        def cell(figure, form="%.2f", mine=mine):
            values = [row[figure] for row in mine if figure in row]
            return spread(values, form) if values else ""
        more = [a - b for a, b in pairs(rows, variant, "cpu_ms", **condition)]
        part = [a / b for a, b in pairs(rows, variant, "rate", **condition)]
        yield (variant, cell("cpu_ms"), spread(more, "%+.2f") if more else "", cell("rate", "%.4g"),
               spread(part, "%.2f") if part else "", cell("session_ms"), cell("after_ms"),
               cell("of_chain"), cell("questions", "%.1f").split(" ")[0])


def print_table(lines):
    """Columns that are empty in every line are left out."""
    keep = [i for i in range(len(lines[0])) if any(line[i] for line in lines[1:])]
    width = {i: max(len(line[i]) for line in lines) for i in keep}
    for line in lines:
        print("  " + "  ".join(line[i].ljust(width[i]) for i in keep).rstrip())


def size_text(number):
    for unit, name in ((1024 * 1024, "MB"), (1024, "KB")):
        if number >= unit:
            return "%g %s" % (number / unit, name)
    return "%d bytes" % number


def title(corpus):
    kind, _, number = corpus.partition(" ")
    if kind == "bytes":
        return "a body of " + size_text(int(number))
    return "%s signature%s, 20 KB" % (number, "s"[:number != "1"]) if kind == "signatures" else "the harness's corpus"


def show(rows):
    """Everything, a table for each condition."""
    seen = dict.fromkeys((row["corpus"], row["delay"], row["clients"])
                         for row in rows if "variant" in row)
    for corpus, delay, clients in seen:
        condition = {"corpus": corpus, "delay": delay, "clients": clients}
        print("\n%s, DNS %d ms, %d client%s: median (least-most)" % (
            title(corpus), delay, clients, "" if clients == 1 else "s"))
        keeping = [row["variant"] for row in select(rows, round=0, **condition)
                   if row["variant"] in KEEPING]
        print("DNS answers kept from message to message: %s" % (
            "by %s; the others ask anew" % " and ".join(sorted(keeping)) if keeping else "none"))
        print_table([HEAD, *lines_of(rows, condition)])
    show_engines(rows)


def show_engines(rows):
    engines = select(rows, part="engine", corpus="corpus")
    if not engines:
        return
    print("\nThe engine alone, CPU us/message: median (least-most)")
    words = {"floor": "floor of the cryptography",
             "memory": "Moonscan, DNS answers in memory",
             "libs_memory": "libs.c (no ARC), DNS answers in memory",
             "dns": "Moonscan, DNS asked", "libs": "libs.c (no ARC), DNS asked"}
    lines = [("", "CPU us", "of the floor")]
    for key, text in words.items():
        if all(key in row for row in engines):
            lines.append((text, spread([row[key] for row in engines], "%.0f"),
                          spread([row[key] / row["floor"] for row in engines], "%.2f")))
    for corpus in dict.fromkeys(row["corpus"] for row in rows if "us" in row):
        lines.append((title(corpus), spread([row["us"] for row in select(rows, corpus=corpus)
                                             if "us" in row], "%.0f"), ""))
    print_table(lines)


# --- wanted values ---------------------------------------------------------------------------------

def slopes(rows):
    """Of each round: CPU a byte between the two largest bodies, over that of the next smaller two."""
    sizes = sorted(int(row["corpus"].split()[1]) for row in rows if row["round"] == 0
                   and "us" in row and row["corpus"].startswith("bytes"))[-3:]
    for number in sorted({row["round"] for row in rows}):
        cost = [row["us"] for size in sizes
                for row in select(rows, part="engine", round=number, corpus="bytes %d" % size)]
        if len(cost) == 3:
            yield ((cost[2] - cost[1]) / (sizes[2] - sizes[1])) / \
                ((cost[1] - cost[0]) / (sizes[1] - sizes[0]))


def figures(rows):
    """(what, wanted text, largest or None, least or None, values of the rounds)"""
    for clients in (1, 4):
        condition = {"part": "load", "delay": 0, "clients": clients}
        yield ("service: CPU more than bare, ms/message, %d client%s" % (clients, "s"[:clients > 1]),
               "<= 1.0", 1.0, None,
               [a - b for a, b in pairs(rows, "service", "cpu_ms", **condition)])
    for variant, least in (("service", 0.75), ("static", 0.5)):
        yield ("%s: msg/s of bare's, 4 clients" % variant, ">= %g" % least, None, least,
               [a / b for a, b in pairs(rows, variant, "rate", part="load", delay=0, clients=4)])
    for variant in ("service-nocache", "static", "embedded"):
        yield ("%s: time after DATA of the DNS chain's, 20 ms" % variant, "<= 1.25", 1.25, None,
               [row["of_chain"] for row in select(rows, part="delay", variant=variant)])
    engines = select(rows, part="engine", corpus="corpus")
    yield ("engine: CPU of the floor, answers in memory", "<= 5", 5, None,
           [row["memory"] / row["floor"] for row in engines])
    for ours, theirs, how in (("memory", "libs_memory", "answers in memory"),
                              ("dns", "libs", "DNS asked by both")):
        yield ("engine: CPU of libs.c, " + how, "< 1", 0.9999, None,
               [row[ours] / row[theirs] for row in engines if theirs in row])
    yield ("engine: CPU a byte, 2 to 20 MB over 0.2 to 2 MB", "<= 1.25", 1.25, None,
           list(slopes(rows)))


def gates(rows, rounds):
    """Prints them; False when one does not hold. What was not measured is said, and does not fail."""
    print("\nWanted values%s" % ("" if rounds >= 9 else " (a trial: fewer than nine rounds)"))
    lines, good = [("figure", "wanted", "median", "least-most", "holds")], True
    for name, wanted, largest, least, values in figures(rows):
        if not values:
            lines.append((name, wanted, "-", "", "not measured"))
            continue
        middle = median(values)
        holds = (largest is None or middle <= largest) and (least is None or middle >= least)
        good = good and holds
        lines.append((name, wanted, "%.2f" % middle, "%.2f-%.2f" % (min(values), max(values)),
                      "yes" if holds else "NO"))
    print_table(lines)
    return good
