#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts that policies take, through Exim: on SQLite by workers behind their filter, on one Redis by
two Exim hosts; and a store that fails, which never holds up mail and whose every miss is told.

    test_store.py host PORT PASSWORD-FILE    one of the hosts: prints its port, serves until its
                                             input ends, then prints what its policies asked
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading

from common import (BANK, Lab, Suite, deliver, laboratory, mail, policy, refused, want, want_in,
                    want_not_in, wait_for, zones)

suite = Suite()
SENDERS, EACH = 8, 6

# Whoever asks is told the count: nothing need be delivered.
COUNTING = policy('local n = moon.count { key = "all", window = "24h" }\n'
                  'return moon.reject { text = "count " .. tostring(n) }')
FILES = {"tenants/acme.lua": COUNTING}


@suite.lab
def on_sqlite(**daemon):
    return Lab(zones=zones(), files=FILES, config={"store_timeout_ms": 1000}, **daemon)


@suite.lab
def with_broken_dns(**daemon):
    """A domain whose DMARC record cannot be read; deferred for four hours, then accepted."""
    return Lab(zones=zones() + "\n$ORIGIN bl.example\n7.1.0.127 A 127.0.0.2",
               silent=["_dmarc.silent.example"],
               config={"dns.timeout_ms": 1000, "store_timeout_ms": 1000},
               files={"tenants/acme.lua": policy(
                   'if m.dmarc.result == "temperror" and moon.retry_within(m, "4h") then\n'
                   '  return moon.defer { esc = "4.7.0", text = "later" }\nend\n'
                   'local listed = moon.dns { ip = m.session.ip, zone = "bl.example" }\n'
                   'return moon.accept { reason = "listed " .. listed.result }')}, **daemon)


@suite.lab
def without_a_folder(**daemon):
    return Lab(zones=zones(), files=FILES, config={"store": "sqlite:/nonexistent/counters.sqlite"},
               **daemon)


@suite.lab
def without_a_server(**daemon):
    return Lab(zones=zones(), files=FILES,
               config={"store": "redis://127.0.0.1:%d" % laboratory.free_port()}, **daemon)


def number(reply):
    """N of "550 5.7.1 count N"; None: nil."""
    word = reply.lines[-1].split("count ")[1]
    return None if word == "nil" else int(word)


def send_many(port, numbers, errors):
    try:
        with laboratory.smtp_client.Smtp(port, BANK) as smtp:
            for _ in range(EACH):
                numbers.append(number(smtp.message("ann@bank.example", ["joe@acme.test"], mail())))
            smtp.quit()
    except Exception as error:  # pylint: disable=broad-except
        errors.append(repr(error))


def senders(ports):
    """SENDERS connections at the same time, to the ports in turn: the counts that were told."""
    numbers, errors = [], []
    threads = [threading.Thread(target=send_many, args=(ports[i % len(ports)], numbers, errors))
               for i in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    want(errors, [], "errors of the senders")
    want(len(numbers), SENDERS * EACH, "answers")
    return numbers


def asked(records):
    """What the tenants' policies asked, of all records."""
    return [item for record in records for verdict in record["verdicts"]
            for item in verdict.get("asked", [])]


def check_accounts(numbers, items, before=0):
    """Each message asked once; those that were taken were taken once, and the rest says why."""
    want(len(items), len(numbers), "questions in the records")
    taken = sorted(n for n in numbers if n is not None)
    want(taken, list(range(before + 1, before + 1 + len(taken))), "counts that were told")
    want(sorted(i["answer"] for i in items if i["answer"] is not None), taken, "recorded answers")
    for item in items:
        want("why" in item, item["answer"] is None, "a reason in %r" % item)
    return len(taken)


@suite.case("on_sqlite")
def workers_of_eight_connections_agree_to_the_message(lab):
    numbers = senders([lab.port])
    records = wait_for("the records", lambda: len(lab.records()) == len(numbers) and lab.records())
    taken = check_accounts(numbers, asked(records))
    item = asked(records)[0]
    want([item["count"], item["window"], item["add"]], ["all", 86400, 1], "the question")
    want(number(refused(lab, mail())), taken + 1, "the next count")


@suite.case("on_sqlite")
def host_checking_and_check_change_nothing(lab):
    now = number(refused(lab, mail()))
    session = (b"EHLO there\r\nMAIL FROM:<ann@bank.example>\r\nRCPT TO:<joe@acme.test>\r\nDATA\r\n"
               + mail() + b".\r\nQUIT\r\n")
    for _ in range(2):
        _, out, _ = lab.run(lab.exim + ["-bh", BANK], input=session)
        want_in("count %d" % (now + 1), out, "the answer that it would have got")
    path = lab.write("message.eml", mail().decode())
    status, out, err = lab.run([lab.program, "check", path, "--ip", BANK, "--rcpt", "joe@acme.test",
                                "--from", "ann@bank.example", "--json", "--snapshot",
                                lab.path("state/current")])
    want(status, 0, err)
    items = asked([json.loads(out)])
    want([items[0]["answer"], items[0]["pretended"]], [now + 1, True], "asked by check")
    want(number(refused(lab, mail())), now + 1, "the next count")


def counters(lab, *options):
    status, out, err = lab.run([lab.program, "counters", "--snapshot", lab.path("state/current"),
                                *options])
    return status, out + err


@suite.case("on_sqlite")
def the_operator_can_look_a_key_up(lab):
    now = number(refused(lab, mail()))
    path = lab.path("store/counters.sqlite")
    status, out = counters(lab)
    want(status, 0, out)
    want_in("store       sqlite:" + path, out, "the store")
    want_in("answers     in ", out, "the time")
    want_in("not taken   0 in the last seven days", out, "misses")
    want(counters(lab, "--tenant", "acme", "--key", "all"),
         (0, "store       sqlite:%s\ncount       %d\nfirst seen  never\n" % (path, now)),
         "the key")
    want_in("count       0\n", counters(lab, "--key", "all")[1], "the site's key of that name")
    want(counters(lab, "--key", "all", "--window", "1y")[0], 2, "a window that is none")
    want(number(refused(lab, mail())), now + 1, "the next count")


@suite.case("on_sqlite")
def a_file_that_is_removed_holds_up_no_mail_and_begins_anew(lab):
    with lab.smtp(BANK) as smtp:
        want(number(smtp.message("ann@bank.example", ["joe@acme.test"], mail())) > 0, True, "count")
        os.unlink(lab.path("store/counters.sqlite"))
        for _ in range(2):
            want(number(smtp.message("ann@bank.example", ["joe@acme.test"], mail())), None, "count")
        smtp.quit()
    lines = [line for line in lab.mainlog() if "was removed or replaced" in line]
    want(len(lines), 1, "log lines about it")
    want_in('trouble="store ', lines[0], "the line")
    want(number(refused(lab, mail())), 1, "the count of the next connection")


def check_outage(lab, reason):
    want(counters(lab)[0], 1, "status of counters")
    want_in("no answer: store ", counters(lab)[1], "counters")
    want_in(reason, counters(lab, "--key", "all")[1], "counters of a key")
    outage_holds_up_no_mail(lab, reason)


def outage_holds_up_no_mail(lab, reason):
    """Two messages of one connection: both refused as the policy says, nil counted, told once."""
    before = len(lab.records())
    with lab.smtp(BANK) as smtp:
        for _ in range(2):
            reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
            want(reply.lines, ["550 5.7.1 count nil"], "reply")
        smtp.quit()
    wait_for("the records", lambda: len(lab.records()) == before + 2)
    for item in asked(lab.records()[before:]):
        want(item["answer"], None, "answer")
        want_in(reason, item["why"], "why")
    lines = [line for line in lab.mainlog() if 'trouble="store' in line and reason in line]
    want(len(lines), 1, "log lines about it")


@suite.case("without_a_folder")
def a_folder_that_is_not_there_is_told_once(lab):
    check_outage(lab, "No such file or directory")


@suite.case("without_a_server")
def a_server_that_is_not_there_is_told_once(lab):
    check_outage(lab, "Connection refused")


def five_hours_pass(lab):
    """For the store, which all that is noted in it is now older in."""
    database = sqlite3.connect(lab.path("store/counters.sqlite"), timeout=10)
    changed = database.execute("UPDATE slot SET first = first - 5 * 3600").rowcount
    database.commit()
    database.close()
    want(changed, 1, "entries in the store")


@suite.case("with_broken_dns")
def temporary_errors_are_deferred_for_a_bounded_time_only(lab):
    message = mail(author="al@silent.example")
    for _ in range(2):
        want(refused(lab, message).lines, ["451 4.7.0 later"], "reply")
    five_hours_pass(lab)
    record = lab.record(deliver(lab, message))
    want(record["dmarc"]["result"], "temperror", "DMARC's result")
    want(record["verdicts"][0]["verdict"], "accept", "verdict")
    items = asked([record])
    want([items[0]["first_seen"], items[0]["answer"] >= 5 * 3600],
         ["retry 127.0.1.0 <ann@bank.example> joe@acme.test", True], "the first question")
    # A silent server has used up the message's time, but not that of the policy's questions.
    want([items[1]["dns"], items[1]["answer"], items[1]["records"]],
         ["7.1.0.127.bl.example", "found", ["127.0.0.2"]], "the second")
    want(refused(lab, message, sender="other@bank.example").lines, ["451 4.7.0 later"],
         "another sender's time begins now")


@suite.case("with_broken_dns")
def without_a_store_nothing_is_deferred_for_ever(lab):
    shutil.rmtree(lab.path("store"))
    record = lab.record(deliver(lab, mail(author="al@silent.example"), sender="new@bank.example"))
    want(record["verdicts"][0]["verdict"], "accept", "verdict")
    want_in("No such file", asked([record])[0]["why"], "why")
    want(counters(lab)[0], 1, "status of counters")


# --- two hosts ------------------------------------------------------------------------------------


class Redis:
    """A server on loopback, as an unprivileged user, in a folder of its own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="moonscan-redis-")
        self.port = laboratory.free_port()
        self.password = os.path.join(self.folder, "password")
        with open(self.password, "w", encoding="ascii") as file:
            file.write("correct horse\n")
        self.program = os.path.join(self.folder, "redis-server")
        shutil.copy(os.path.join(laboratory.DAEMONS, "redis/usr/bin/redis-server"), self.program)
        self.start()
        return self

    def start(self):
        options = {}
        if os.getuid() == 0:
            os.chown(self.folder, laboratory.NOBODY, laboratory.NOBODY)
            options = {"user": laboratory.NOBODY, "group": laboratory.NOBODY, "extra_groups": []}
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--requirepass", "correct horse"], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **options)
        wait_for("Redis", self.answers)

    def answers(self):
        try:
            with laboratory.socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def signal(self, what):
        self.process.send_signal(what)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


class Host:
    """An Exim host in a process of its own, so that each lab sees only what it started."""

    def __init__(self, daemon, redis):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "host", str(redis.port), redis.password]
            + daemon,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline() or b"0")

    def end(self):
        """Stops it; what its policies asked, and its main log."""
        out, _ = self.process.communicate(b"")
        want(self.process.returncode, 0, "status of the host")
        return json.loads(out)


def serve_host(redis_port, password, daemon):
    with Lab(zones=zones(), files=FILES, daemon=daemon,
             config={"store": "redis://127.0.0.1:%s/1" % redis_port,
                     "store_password_file": password, "store_timeout_ms": 1000}) as lab:
        print(lab.port, flush=True)
        sys.stdin.read()
        wait_for("the workers to end", lambda: not lab.workers())
        print(json.dumps({"asked": asked(lab.records()), "log": lab.mainlog()}))
    return 0


def with_hosts(use):
    """use(redis, ports) -> counts; checks that both hosts' records hold each of them."""
    daemon = [a for a in sys.argv[1:2] if a in ("heavy", "light", "newer")]
    with Redis() as redis:
        hosts = [Host(daemon, redis) for _ in range(2)]
        try:
            numbers = use(redis, [host.port for host in hosts])
        finally:
            ends = [host.end() for host in hosts]
    items = [item for end in ends for item in end["asked"]]
    for end in ends:
        want(len(end["asked"]) > 0, True, "questions of each host")
    return numbers, items, [line for end in ends for line in end["log"]]


@suite.case()
def two_hosts_on_one_redis_agree_to_the_message(_):
    numbers, items, log = with_hosts(lambda redis, ports: senders(ports))
    want(check_accounts(numbers, items), SENDERS * EACH, "counts taken")
    want([line for line in log if "trouble=" in line], [], "trouble")


@suite.case()
def two_hosts_go_on_while_redis_is_stopped(_):
    def use(redis, ports):
        numbers = senders(ports)
        redis.signal(signal.SIGSTOP)
        silent = senders(ports)
        want(silent, [None] * len(silent), "counts while it is stopped")
        redis.signal(signal.SIGCONT)
        return numbers + silent

    numbers, items, log = with_hosts(use)
    taken = [n for n in numbers if n is not None]
    want(sorted(taken), list(range(1, len(taken) + 1)), "counts that were told")
    want(len(items), len(numbers), "questions in the records")
    want(len([i for i in items if i["answer"] is None]), len(numbers) - len(taken), "misses")
    # The worker of each connection tells the outage; a busy machine may have another one before.
    told = [line for line in log if "no answer in time" in line and "trouble=" in line]
    want(len(told) >= SENDERS, True, "log lines about it: %d" % len(told))
    want_not_in("failure=", "\n".join(log), "the log")


if __name__ == "__main__":
    if sys.argv[1:2] == ["host"]:
        sys.exit(serve_host(sys.argv[2], sys.argv[3], (sys.argv[4:] + ["heavy"])[0]))
    sys.exit(suite.main())
