# SPDX-License-Identifier: MIT
"""common: what the Exim tests share: paths, a zone, messages, small policies, a service."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import lab as laboratory  # noqa: E402,F401
from lab import Lab, wait_for  # noqa: E402,F401
from names import txt  # noqa: E402
from smtp import crlf  # noqa: E402
from tap import Failed, Suite, want, want_in, want_not_in  # noqa: E402,F401

BANK, STRANGER, SISTER = "127.0.1.7", "127.0.6.66", "127.0.3.3"
KEYS = os.path.join(laboratory.TREE, "tests/support/keys")
SIGN = os.path.join(laboratory.BUILD, "tests/sign")


def key_record(key):
    return subprocess.run([SIGN, "--key", os.path.join(KEYS, key), "--record"], check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


def signed(message, domain="bank.example", selector="rsa", key="rsa2048.pem",
           canon="relaxed/relaxed"):
    return subprocess.run([SIGN, "--domain", domain, "--selector", selector, "--key",
                           os.path.join(KEYS, key), "--canon", canon],
                          input=message, stdout=subprocess.PIPE, check=True).stdout


def zones():
    return "\n".join([
        "$ORIGIN bank.example",
        txt("@", "v=spf1 ip4:%s -all" % BANK),
        txt("_dmarc", "v=DMARC1; p=reject"),
        txt("rsa._domainkey", key_record("rsa2048.pem")),
        "$ORIGIN silent.example", txt("_dmarc", "v=DMARC1; p=reject"),
        "$ORIGIN open.example", txt("@", "v=spf1 ip4:127.0.0.0/8 -all"),
    ])


def mail(author="ann@bank.example", subject="test", body="Hello.\n", fields=""):
    """A message with CRLF line ends; `fields` are whole lines put on top."""
    return crlf("%sDate: Sat, 21 Nov 2026 12:00:00 +0000\nFrom: <%s>\nTo: <joe@acme.test>\n"
                "Message-ID: <1@client.example>\nSubject: %s\n\n%s"
                % (fields, author, subject, body))


def policy(body):
    """The source of a policy whose function has this body."""
    return ('-- SPDX-License-Identifier: MIT\nlocal moon <const> = require "moonscan"\n'
            "local policy = {}\nfunction policy.message(m)\n" + body + "\nend\nreturn policy\n")


def header_part(text):
    """Header of a delivered message, folds undone, a line each."""
    return text.split("\n\n", 1)[0].replace("\n\t", " ").replace("\n ", " ").splitlines()


def deliver(lab, message, to=("joe@acme.test",), sender="ann@bank.example", ip=BANK,
            helo="client.example", **options):
    """Sends one message that must be taken; returns Exim's id when it is delivered."""
    with lab.smtp(ip, helo=helo) as smtp:
        reply = smtp.message(sender, list(to), message, **options)
        smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    return reply.queue_id


def refused(lab, message, to=("joe@acme.test",), sender="ann@bank.example", ip=BANK):
    """Sends one message that must not be taken; returns the reply."""
    with lab.smtp(ip) as smtp:
        reply = smtp.message(sender, list(to), message)
        smtp.quit()
    if reply.code == 250:
        raise Failed("the message was taken: %r" % reply.lines)
    return reply


class Service:
    """A service for the time of one case."""

    def __init__(self, lab, *options, program=None):
        self.lab, self.options, self.program = lab, options, program

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = self.lab.start_service(*self.options, program=self.program)

    def __exit__(self, *_):
        self.end(signal.SIGTERM)
        self.lab.relay.silent.clear()

    def end(self, number):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            os.kill(self.process.pid, number)
        self.process.wait()
        wait_for("the service's workers to end", lambda: not self.workers())

    def workers(self):
        return [pid for pid in self.lab.workers() if is_spare(pid)]


def is_spare(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return b"--spare" in file.read()
    except OSError:
        return False


def own_workers(lab):
    return [pid for pid in lab.workers() if not is_spare(pid)]
