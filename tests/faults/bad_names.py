# SPDX-License-Identifier: MIT
"""bad_names: the lab's name server when it behaves badly, as a whole and on demand."""

import contextlib
import os
import socket
import threading
import time

import names

QR_RD_RA, TC = 0x8180, 0x0200
SLOW_S, LONG_S, LATE_S = 0.1, 0.5, 4.0  # within the labs' deadline of two seconds, and beyond it


def question_end(packet):
    at = 12
    while at < len(packet) and packet[at]:
        at += 1 + packet[at]
    return at + 5


def answer(query, rcode=0, flags=0, records=0, rest=b""):
    """Header and question of an answer to `query`, and what else there shall be."""
    return (query[:2] + (QR_RD_RA | flags | rcode).to_bytes(2, "big") + b"\0\1"
            + records.to_bytes(2, "big") + b"\0\0\0\0" + query[12:question_end(query)] + rest)


def cname(owner, target):
    return owner + b"\0\5\0\1\0\0\0\x3c" + len(target).to_bytes(2, "big") + target


def loop(query):
    """The name is an alias of another one, which is an alias of the name."""
    other = b"\5other\4loop\4test\0"
    return answer(query, records=2, rest=cname(b"\xc0\x0c", other) + cname(other, b"\xc0\x0c"))


def endless(query):
    """The name is an alias of a longer one, and so is that: whoever follows asks for ever."""
    name = query[12:question_end(query) - 4]
    longer = (b"\1a" + name) if len(name) < 200 else b"\1b\4loop\4test\0"
    return answer(query, records=1, rest=cname(b"\xc0\x0c", longer))


# What is sent in the place of an answer.
BAD = {
    "truncating": lambda query: answer(query, flags=TC),
    "servfail": lambda query: answer(query, rcode=2),
    "refused": lambda query: answer(query, rcode=5),
    "loop": loop,
    "endless": endless,
    "garbage": lambda query: answer(query, records=3, rest=os.urandom(40)),
    "silent": None,
}


class BadRelay(names.Relay):
    """fault: "" for none; a key of BAD; "slow", "long" (a worker says READY before it has them), "late"; "wrong id", "wrong name", "wrong port": the
    right answer spoilt. Over TCP there is no answer as long as there is a fault, but for slow
    ones."""
    fault = ""
    held = None  # a name whose answers wait
    released = threading.Event()

    @contextlib.contextmanager
    def taking_long(self, is_it=True):
        """Answers come so late that a worker says READY first."""
        self.fault = "long" if is_it else ""
        try:
            yield
        finally:
            self.fault = ""

    @contextlib.contextmanager
    def holding(self, name):
        """Answers for that name are given at the end only."""
        self.released.clear()
        del self.asked[:]
        self.held = name
        try:
            yield
        finally:
            self.held = None
            self.released.set()

    def answer_udp(self, packet, client):
        fault = self.fault
        if self.held == names.question_name(packet):
            self.released.wait(30)
        if fault in BAD:
            if BAD[fault]:
                self.udp.sendto(BAD[fault](packet), client)
            return
        time.sleep({"slow": SLOW_S, "long": LONG_S, "late": LATE_S}.get(fault, 0))
        if not fault.startswith("wrong"):
            super().answer_udp(packet, client)
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
            up.settimeout(5)
            up.sendto(packet, self.server)
            good = bytearray(up.recv(65536))
            if fault == "wrong id":
                good[1] ^= 1
            elif fault == "wrong name":
                good[13] = good[13] ^ 1
            (up if fault == "wrong port" else self.udp).sendto(bytes(good), client)

    def answer_tcp(self, stream):
        if self.fault in ("", "slow", "long", "late"):
            super().answer_tcp(stream)
        else:
            stream.close()
