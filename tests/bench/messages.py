# SPDX-License-Identifier: MIT
"""messages: corpora beside that of the harness, made with its generator: one message each, with a
body of a given size, or with a given count of DKIM signatures.

    series = make(harness, sizes=[2048, ...], signatures=[0, ...])   # kept in build/bench/seed-N
    series.zone                  # the harness's zone with these messages' keys, for its DNS server
    series.folder("bytes", 2048), series.folder("signatures", 20)
"""

import importlib.util
import os
import random
import shutil
import sys

RELAXED = (b"relaxed", b"relaxed")
BODY_BYTES = 20 * 1024  # where signatures are counted
KEYS = 20


class Series:
    def __init__(self, home):
        self.home = home
        self.zone = os.path.join(home, "zone.txt")
        self.master = os.path.join(home, "master.zone")

    def folder(self, kind, number):
        return os.path.join(self.home, "%s-%d" % (kind, number))


def generator(harness):
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("gen", os.path.join(harness.folder, "gen.py"))
    gen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gen)
    return gen


def body_of(gen, rng, size):
    """Text lines; a page of them again and again, so that 20 MB take no minute to make."""
    page = gen.text(rng, min(size, 64 * 1024)).encode()
    return (page * (size // len(page) + 1))[:size - 2] + b"\r\n"


def write(gen, series, kind, number, size, signers):
    """A corpus of one message: number is its body's bytes or its signatures."""
    folder = series.folder(kind, number)
    if os.path.exists(os.path.join(folder, "list.tsv")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    rng = random.Random("%s %d" % (kind, number))
    fields = ["From: Size <size@bytes.example>", "To: <to@rcpt.example>", "Subject: size",
              "Date: " + gen.date(rng), "Message-ID: <%s.%d@bytes.example>" % (kind, number),
              "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii"]
    mail = gen.Mail([(field + "\r\n").encode() for field in fields], body_of(gen, rng, size), None)
    for selector, key in signers:
        gen.sign(mail, "bytes.example", selector, key, RELAXED)
    with open(os.path.join(folder, "mail.eml"), "wb") as file:
        file.write(mail.bytes())
    with open(os.path.join(folder, "list.tsv"), "w", encoding="ascii") as file:
        file.write("%s-%d\t198.18.0.1\tmail.bytes.example\tsize@bytes.example\tto@rcpt.example\t"
                   "mail.eml\n" % (kind, number))


def make(harness, sizes, signatures):
    gen = generator(harness)
    series = Series(os.path.join(harness.home, "series"))
    os.makedirs(series.home, exist_ok=True)
    keys = [gen.Key(random.Random("key %d" % i), "rsa2048") for i in range(4)]
    signers = [("s%d" % i, keys[i % len(keys)]) for i in range(KEYS)]
    records = [("bytes.example", "v=spf1 ip4:198.18.0.1 -all"),
               ("_dmarc.bytes.example", "v=DMARC1; p=reject")]
    records += [(name + "._domainkey.bytes.example", key.txt) for name, key in signers]
    with open(os.path.join(harness.corpus, "zone.txt"), encoding="utf-8") as file:
        text = file.read()
    with open(series.zone, "w", encoding="utf-8") as file:
        file.write(text + "".join("%s\t3600\tTXT\t%s\n" % record for record in records))
    with open(series.master, "w", encoding="utf-8") as file:
        for name, data in records:
            file.write("%s. TXT %s\n" % (name, " ".join('"%s"' % data[i:i + 255]
                                                         for i in range(0, len(data), 255))))
    for size in sizes:
        write(gen, series, "bytes", size, size, signers[:1])
    for count in signatures:
        write(gen, series, "signatures", count, BODY_BYTES, signers[:count])
    return series
