#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The demo's messages through `moonscan check` under valgrind, with the demo's name server and
snapshot: valgrind finds nothing, and the results are those of the demo. (A worker in Exim cannot run
under valgrind: its limits and its filter of system calls end it.)"""

import json
import os
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests/support"))

import demo  # noqa: E402
from lab import Lab  # noqa: E402
from tap import Failed, Suite, want  # noqa: E402

VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full"]
# The loop ends by whichever limit comes first, and valgrind slows all: time must not be it.
CONFIG = {"dns.timeout_ms": 5000, "limits.policy_ms": 20000, "limits.policy_instructions": 200000}
suite = Suite()


@suite.lab
def demonstration(**daemon):
    return Lab(zones=demo.zones(), tenants=demo.TENANTS, files=demo.policies(), config=CONFIG,
               silent=demo.SILENT, **daemon)


def add(row, number):
    def case(lab):
        command = VALGRIND + [lab.program, "check", "-", "--json", "--ip", row.ip, "--helo",
                              "client.example", "--from", row.sender, "--snapshot",
                              lab.path("state/current"), "--receiver", "mx.lab.test"]
        for recipient in row.to:
            command += ["--rcpt", recipient]
        status, out, err = lab.run(command, input=demo.compose(row, number))
        if status:
            raise Failed("status %d: %s" % (status, err))
        facts = demo.facts_of(json.loads(out))
        for name, wanted in row.facts.items():
            want(facts[name], wanted, name)
    case.__name__ = row.sent.replace(" ", "_")
    suite.case("demonstration")(case)


for i, shown in enumerate(demo.ROWS, 1):
    add(shown, i)

if __name__ == "__main__":
    sys.exit(suite.main())
