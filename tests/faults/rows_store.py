# SPDX-License-Identifier: MIT
"""rows_store: the counter store is locked, corrupt, full, gone. A policy that counts is answered nil
and decides without; no mail is held up for it."""

import os
import socket
import sqlite3

from common import policy, wait_for, want
from test_store import Redis

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, records

COUNTED = GOOD._replace(to="joe@counted.test", place="inbox counted")
COUNTING = policy('local n = moon.count { key = "all", window = "24h" }\n'
                  'return moon.accept { reason = "count " .. tostring(n) }')
COUNTS = {"more_files": {"tenants/counted.lua": COUNTING},
          "more_tenants": {"counted": ["counted.test"]}, "relayed": False}


@lab
def on_sqlite(**daemon):
    return FaultLab(config={"store_timeout_ms": 300}, **COUNTS, **daemon)


class RedisLab(FaultLab):
    """With a Redis that is there before the configuration is published."""

    def __enter__(self):
        self.redis = Redis()
        self.redis.__enter__()
        self.config.update({"store": "redis://127.0.0.1:%d" % self.redis.port,
                            "store_password_file": self.redis.password})
        return super().__enter__()

    def stop(self):
        if self.redis:
            self.redis.__exit__()
        self.redis = None
        return super().stop()

    def command(self, *words):
        """One command to Redis; what it says."""
        with socket.create_connection(("127.0.0.1", self.redis.port), 10) as stream:
            said = b""
            for line in (("AUTH", "correct horse"), words):
                stream.sendall(b"*%d\r\n" % len(line) + b"".join(
                    b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in line))
                said = stream.recv(65536)
            return said.decode()


@lab
def on_redis(**daemon):
    return RedisLab(config={"store_timeout_ms": 1000}, **COUNTS, **daemon)


def answers(run, messages=3):
    """What the policy was answered, of that many messages of one connection."""
    before = len(run.ledger.sent)
    run.ledger.send(COUNTED, messages)
    ids = [sent.queue_id for sent in run.ledger.sent[before:]]

    def said():
        found = {r["id"]: r for r in records(run.lab.decisions)[0]}
        return all(i in found for i in ids) and [
            found[i]["verdicts"][0]["asked"][0]["answer"] for i in ids]
    return wait_for("their records", said)


def out_of_order(name, lab_name, log):
    """A case that yields once the store is out of order, and ends when it is mended: while it is,
    counts are nil; before and after they are numbers."""
    def add(function):
        def run_it(run):
            want(None in answers(run), False, "counts before")
            steps = function(run)
            next(steps)
            want(answers(run), [None] * 3, "counts while the store is out of order")
            next(steps, None)
            want(None in answers(run), False, "counts when it is mended")
            if lab_name == "on_sqlite" and "busy" in log:  # that is no outage: only records have it
                run.log_text = run.lab.read("decisions/decisions.jsonl")
        fault(lab_name, name, log=log)(run_it)
        return function
    return add


@out_of_order("SQLite store locked", "on_sqlite", r'"answer":null,"why":"[^"]*busy"')
def locked(run):
    database = sqlite3.connect(run.lab.path("store/counters.sqlite"), isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    yield
    database.execute("ROLLBACK")
    database.close()


@out_of_order("SQLite store corrupt", "on_sqlite",
              r'trouble="store \S+: [\w ]+; remove the file, and counting begins anew"')
def corrupt(run):
    path = run.lab.path("store/counters.sqlite")
    with open(path, "r+b") as file:
        file.write(b"no database " * 1000)
    yield
    os.unlink(path)


@out_of_order("Redis killed, and started again", "on_redis",
              r'trouble="store redis://\S+: Connection refused"')
def killed(run):
    run.lab.redis.process.kill()
    run.lab.redis.process.wait()
    yield
    run.lab.redis.start()


@out_of_order("Redis has something else under our keys", "on_redis",
              r'trouble="store redis://\S+: [^"]+"')
def wrong_type(run):
    keys = [word for word in run.lab.command("KEYS", "moonscan:*").split()
            if word.startswith("moonscan:")]
    want(len(keys) > 0, True, "keys in Redis")
    for key in keys:
        run.lab.command("SET", key, "no hash")
    yield
    run.lab.command("FLUSHALL")


@out_of_order("Redis full", "on_redis", r'trouble="store redis://\S+: OOM[^"]+"')
def full(run):
    run.lab.command("CONFIG", "SET", "maxmemory", "1")
    yield
    run.lab.command("CONFIG", "SET", "maxmemory", "0")
