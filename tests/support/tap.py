# SPDX-License-Identifier: MIT
"""tap: tests of a lab, printed as TAP. A test program names its labs and its cases:

    suite = Suite()

    @suite.lab
    def plain(daemon):
        return Lab(daemon=daemon, ...)

    @suite.case("plain")
    def takes_a_message_whose_author_is_authenticated(lab):
        want(reply.code, 250, "the reply")

    suite.main()                  # argument: heavy (default), light or static

Each lab is started once, for the cases that name it; a case that names none gets None. When a case
fails, what Exim has logged since its start is printed with it.
"""

import fcntl
import os
import subprocess
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lab as laboratory  # noqa: E402


class Failed(AssertionError):
    """Something is not as wanted."""


def want(got, wanted, what):
    if got != wanted:
        raise Failed("%s: got %r, want %r" % (what, got, wanted))


def want_in(part, whole, what):
    if part not in whole:
        raise Failed("%s: want %r in %r" % (what, part, whole))


def want_not_in(part, whole, what):
    if part in whole:
        raise Failed("%s: want no %r in %r" % (what, part, whole))


class Skipped(Exception):
    """The case cannot run here; the reason."""


def static_exim():
    """The Exim with the module built in. Made once: whoever comes meanwhile waits."""
    work = os.path.join(laboratory.BUILD, "static")
    source = os.path.join(laboratory.BUILD, "moonscan_local_scan.c")
    os.makedirs(work, exist_ok=True)
    with open(os.path.join(work, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["sh", os.path.join(laboratory.TREE, "tests/exim/static_build.sh"),
                               work, source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode == 77:
        raise Skipped(text.splitlines()[-1])
    if done.returncode:
        raise laboratory.LabError(text)
    return os.path.join(work, "exim")


class Suite:
    def __init__(self, not_static=None):
        """not_static: why the cases do not apply to an Exim with the module built in."""
        self.not_static = not_static
        self.labs = {}
        self.cases = []
        self.only = {}

    def lab(self, function):
        self.labs[function.__name__] = function
        return function

    def case(self, lab=None, only=None):
        """only: (daemons that can, why the others cannot)."""
        def add(function):
            self.cases.append((lab, function))
            if only:
                self.only[function] = only
            return function
        return add

    def main(self):
        daemon = sys.argv[1] if len(sys.argv) > 1 else "heavy"
        chosen = sys.argv[2:]
        cases = [(lab, f) for lab, f in self.cases if not chosen or f.__name__ in chosen]
        print("1..%d" % len(cases))
        try:
            options = {"daemon": daemon}
            if daemon == "static":
                if self.not_static:
                    raise Skipped(self.not_static)
                options = {"exim": static_exim()}
            elif not os.path.isdir(os.path.join(laboratory.DAEMONS, daemon)):
                raise Skipped("%s Exim is not unpacked; run make deps" % daemon)
        except Skipped as reason:
            for number, (_, function) in enumerate(cases, 1):
                print("ok %d - %s # SKIP %s" % (number, title(function), reason))
            return 0
        cannot = {f: why for f, (daemons, why) in self.only.items() if daemon not in daemons}
        left_out = [f for _, f in cases if f in cannot]
        for number, function in enumerate(left_out, 1):
            print("ok %d - %s # SKIP %s" % (number, title(function), cannot[function]))
        cases = [case for case in cases if case[1] not in cannot]
        number = len(left_out)
        failed = False
        for name in dict.fromkeys(lab for lab, _ in cases):
            group = [f for lab, f in cases if lab == name]
            number, good = self.run_group(name, group, number, options)
            failed = failed or not good
        return 1 if failed else 0

    def run_group(self, name, group, number, options):
        """All cases of one lab; what goes wrong with the lab itself fails those that are left."""
        good = True
        done = 0
        try:
            if name is None:
                for function in group:
                    good &= run_case(function, None, number + done + 1)
                    done += 1
            else:
                with self.labs[name](**options) as lab:
                    for function in group:
                        good &= run_case(function, lab, number + done + 1)
                        done += 1
                    tidy(lab)
        except laboratory.LabError as error:
            good = False
            print("# the lab %s: %s" % (name, str(error).strip().replace("\n", "\n# ")))
            for function in group[done:] or group[-1:]:
                done = min(done + 1, len(group))
                print("not ok %d - %s" % (number + done, title(function)))
        sys.stdout.flush()
        return number + len(group), good


def title(function):
    return function.__name__.replace("_", " ")


def tidy(lab):
    """What must be true of every lab at its end."""
    left = lab.read("log/paniclog")
    if left and not lab.panic_expected:
        raise laboratory.LabError("Exim's panic log has: " + left)
    laboratory.wait_for("the workers to end with their connections", lambda: not lab.workers(), 5)
    if lab.orphans():
        raise laboratory.LabError("left in the spool: %r" % lab.orphans())


def run_case(function, lab, number):
    logged = len(lab.mainlog()) if lab else 0
    try:
        function(lab)
    except Exception as error:  # a test program goes on with its next case
        print("not ok %d - %s" % (number, title(function)))
        where = traceback.extract_tb(error.__traceback__)
        place = [f for f in where if f.name == function.__name__] or where
        print("# line %d: %s: %s" % (place[-1].lineno, type(error).__name__, error))
        for line in lab.mainlog()[logged:] if lab else []:
            print("#   mainlog: " + line)
        sys.stdout.flush()
        return False
    print("ok %d - %s" % (number, title(function)))
    sys.stdout.flush()
    return True
