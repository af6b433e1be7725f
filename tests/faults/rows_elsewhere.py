# SPDX-License-Identifier: MIT
"""rows_elsewhere: faults that other tests show. The campaign runs those cases; `make check` has them
anyway. And whether the page tells of every fault."""

import os
import subprocess
import sys

from common import Failed, laboratory, want_in

import campaign

PAGE = "docs/threat-model.md"


def elsewhere(name, test, cases=(), told="250", log="-"):
    """cases: of an Exim test; a unit test is run as a whole."""
    def function(run):
        if test.endswith(".py"):
            command = [sys.executable, os.path.join(laboratory.TREE, test), run.daemon] + [
                case.replace(" ", "_") for case in cases]
        else:
            command = [os.path.join(laboratory.BUILD, test)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False)
        out = done.stdout.decode("utf-8", "replace")
        if done.returncode or "not ok" in out or out.count("\nok ") < max(1, len(cases)):
            raise Failed(out[-3000:])
        run.found_log, run.mail = log, os.path.basename(test)
    campaign.fault(None, name, told=told, short=False)(function)


FAILURES, SERVICE = "tests/exim/test_failures.py", "tests/exim/test_service.py"
STORE, ASK = "tests/exim/test_store.py", "tests/unit/test_ask"

elsewhere("worker crashes", FAILURES, told="451 4.3.0", log="was ended by signal N", cases=[
    "a worker that crashes by SIGSEGV defers the message",
    "a worker that aborts defers the message"])
elsewhere("failure verdict accept", FAILURES, log="not evaluated, accepted (failure verdict)", cases=[
    "the failure verdict accept takes the message with a field",
    "a message that nobody evaluated brings no results"])
elsewhere("worker says what is no answer", ASK, told="451 4.3.0", log="said what is no answer")
elsewhere("client leaves", FAILURES, told="-",
          cases=["a client that leaves takes its worker along"])
elsewhere("worker's program missing", FAILURES, told="451 4.3.0",
          log="correct MOONSCAN_PROGRAM", cases=["a missing program defers and says what to do"])
elsewhere("snapshot damaged", FAILURES, told="451 4.3.0", log="the snapshot cannot be used",
          cases=["a damaged snapshot defers with one line"])
elsewhere("snapshot missing", FAILURES, log="snapshot=built-in",
          cases=["without a snapshot the built in policy decides"])
elsewhere("decision log's folder missing", FAILURES, log='trouble="decision log',
          cases=["a log that cannot be written changes no mail and is told"])
elsewhere("service ends with a message in hand", SERVICE, cases=[
    "the service ends when the message in hand is done"])
elsewhere("name server forging before it answers", "tests/unit/test_dns_cares")
elsewhere("SQLite file removed", STORE, log="was removed or replaced",
          cases=["a file that is removed holds up no mail and begins anew"])
elsewhere("SQLite folder missing", STORE, log="No such file or directory",
          cases=["a folder that is not there is told once"])
elsewhere("Redis not there", STORE, log="Connection refused",
          cases=["a server that is not there is told once"])
elsewhere("Redis stopped", STORE, log="no answer in time",
          cases=["two hosts go on while redis is stopped"])


@campaign.fault(None, "(every fault here is in %s)" % PAGE, told="-")
def documented(_):
    with open(os.path.join(laboratory.TREE, PAGE), encoding="utf-8") as file:
        text = file.read()
    for row in campaign.ROWS:
        if not row.name.startswith("("):
            want_in("| %s |" % row.name, text, PAGE)
