# SPDX-License-Identifier: MIT
"""mutate: do the tests notice a small change of the engine? (`make mutate SEED=n COUNT=60`)

1. The engine is built twice as a shared library, plain and with the sanitizers, both without
   optimization, and every test program that could notice is linked to it: the units that call the
   mutated rooms, the programs of the scenarios and conformance runners.
   All of it must pass on the unchanged code.
2. COUNT changes are drawn from all that mutations.py finds, by SEED: those with the smallest hash
   of seed and change, so that new code elsewhere leaves a draw as it was.
3. Each test notes which functions of the rooms it enters (reach.py): only those that enter the
   changed one can notice.
4. Each change is written into a scratch copy of its one file, compiled, and linked into a library
   of its own, which the test programs then load: nothing else is built again.
5. The tests run until one fails: the file's own unit test first, then its kin, then the others by
   their time on the unchanged code. What they all pass is tried with the sanitizers as well, where
   memory used wrongly shows in any test: only the file's own unit test and those that are fast are
   run again. Out of time (its own, or waiting for nothing) counts as caught; what does not
   compile does not count.
6. Survivors that tests/support/mutate-equivalent.txt names change nothing that anybody could
   observe; it gives the reason. Its lines: file, "function: line", change, reason, between tabs.
   build/mutate/survivors.txt has the others in that form, without a reason.

The compiler and its flags come from the Makefile by the environment.
"""

import argparse
import collections
import concurrent.futures
import fcntl
import glob
import hashlib
import os
import queue
import re
import resource
import shlex
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import mutations  # noqa: E402
import reach  # noqa: E402

ROOMS = ("engine/auth/", "engine/message/")
EQUIVALENT = "tests/support/mutate-equivalent.txt"
# Valgrind, and the cost of hostile input: slow, and they measure an optimized build; the program of
# static archives loads no library.
LEFT_OUT = {"tests/conformance/demo_valgrind.py", "tests/conformance/abuse.py",
            "tests/conformance/bench_corpus.py"}
CHANGE_WIDTH = 44
SANITIZED_S = 1.0
OUTPUT_MAX = 512 * 1024 * 1024  # a test of large messages writes a hole of 257 MB
MEMORY_MAX = 2 * 1024 * 1024 * 1024

Test = collections.namedtuple("Test", "name command seconds entered")
Verdict = collections.namedtuple("Verdict", "mutation word by")


def words(name):
    return shlex.split(os.environ.get(name, ""))


def limits(seconds, with_memory):
    """In the child: no core, no endless output, and an end of time and of memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_MAX, OUTPUT_MAX))
    if with_memory:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


class Build:
    """One build of the engine and the tests that use it."""

    def __init__(self, root, flags, sanitized):
        self.root, self.flags, self.sanitized = root, flags, sanitized
        self.objects, self.tests = [], []
        self.reach = None if sanitized else reach.Reach(root + "/reach")

    def run(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            sys.exit("mutate: %s\n%s" % (" ".join(command), done.stdout.decode("utf-8", "replace")))

    def prepare(self, units, programs, jobs):
        obj = self.root + "/obj/"
        wanted = [obj + name[:-2] + ".o" for name in units + programs]
        self.run(["make", "-s", "-j%d" % jobs, "BUILD=" + self.root, "OPT=" + self.flags[0],
                  "CFLAGS=-fPIC", "SANITIZE=" + (self.flags[1] if self.sanitized else ""),
                  self.root + "/libmoon.a", self.root + "/libmodule.a", self.root + "/libsupport.a"]
                 + wanted)
        self.objects = sorted(name for name in glob.glob(obj + "*/**/*.o", recursive=True)
                              if re.match(r"(engine|lua|gen)/", name[len(obj):])
                              and not name.endswith("engine/cmd/main.o")
                              and (name[len(obj):].startswith("gen/")
                                   or os.path.exists(name[len(obj):-2] + ".c")))
        self.library(self.root, {})
        if self.reach:
            self.note_reach()
        helpers = [obj + name[:-2] + ".o" for name in glob.glob("tests/support/*.c")
                   if not os.path.basename(name).startswith("main_")]
        for name in units_of(self.root):
            self.program(self.root + "/" + name[:-2], [obj + name[:-2] + ".o"] + helpers,
                         ["-lcmocka"])
        for name in programs:
            short = os.path.basename(name)[:-2]
            target = self.root + ("/moonscan" if short == "main" else "/tests/" + short[5:])
            self.program(target, [obj + name[:-2] + ".o", self.root + "/libsupport.a"], [])

    def compiler(self):
        sanitize = ["-fsanitize=" + self.flags[1], "-fno-sanitize-recover=all"]
        return words("MUTATE_CC") + [self.flags[0]] + (sanitize if self.sanitized else [])

    def note_reach(self):
        """Links the engine with calls of the recorder in the mutated rooms."""
        instead = {}
        for source in [self.reach.recorder()] + rooms_sources():
            original = "%s/obj/%s.o" % (self.root, source[:-2])
            instead[original] = "%s/%s.o" % (self.reach.folder, os.path.basename(source)[:-2])
            if not self.compile(source, instead[original], reach.INSTRUMENT):
                sys.exit("mutate: %s does not compile" % source)
        self.library(self.reach.folder, instead, [self.reach.folder + "/recorder.o"])

    def library(self, folder, instead, more=()):
        """Links the engine into `folder`, with other objects where `instead` names some."""
        os.makedirs(folder, exist_ok=True)
        target = folder + "/libmoon.so"
        command = self.compiler() + ["-shared", "-o", target + ".new"]
        self.run(command + [instead.get(name, name) for name in self.objects] + list(more) +
                 words("MUTATE_LIBS"))
        os.replace(target + ".new", target)

    def program(self, target, objects, more):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        made = os.path.getmtime(target) if os.path.exists(target) else 0
        if all(os.path.getmtime(one) < made for one in objects + [self.root + "/libmodule.a"]):
            return
        self.run(self.compiler() + ["-pie", "-o", target] + objects +
                 [self.root + "/libmodule.a", "-L" + self.root, "-lmoon"] + words("MUTATE_LIBS") +
                 more)

    def compile(self, source, target, more=()):
        done = subprocess.run(self.compiler() + words("MUTATE_CFLAGS") + list(more) +
                              ["-fPIC", "-fstack-protector-strong", "-w", "-c", "-o", target,
                               source],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def run_test(self, test, folder):
        """None when it passes, else what noticed."""
        environment = dict(os.environ, BUILD=self.root, LD_LIBRARY_PATH=os.path.abspath(folder),
                           MALLOC_PERTURB_="165", ASAN_OPTIONS="hard_rss_limit_mb=1500")
        with open(folder + "/output", "w+b") as output:
            process = subprocess.Popen(test.command, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT,
                                       start_new_session=True,
                                       preexec_fn=lambda: limits(int(5 + 10 * test.seconds),
                                                                 not self.sanitized))
            try:  # a loop ends by its own time: the machine may be busy
                status = process.wait(timeout=30 + 30 * test.seconds)
            except subprocess.TimeoutExpired:
                status = "out of time"
            try:
                os.killpg(process.pid, signal.SIGKILL)  # the rest of its group, too
            except ProcessLookupError:
                pass
            process.wait()
            output.seek(0)
            text = output.read(1 << 20).decode("utf-8", "replace")
        failed = re.search(r"^not ok \d+ *-? *(.*)$", text, re.MULTILINE)
        if status == 0:
            return None
        how = status if isinstance(status, str) else failed.group(1) if failed else \
            signal.Signals(-status).name if status < 0 else "status %d" % status
        return "%s: %s" % (test.name, how[:60])

    def try_tests(self, units):
        """Runs every test once on the unchanged code: it must pass; its time and what it enters
        are kept."""
        candidates = [(os.path.basename(name)[:-2], [self.root + "/" + name[:-2]])
                      for name in units]
        if not self.sanitized:
            candidates += [("scenarios", [sys.executable, "tests/scenario/run.py", self.root])]
            candidates += [(os.path.basename(name), [sys.executable, name])
                           for name in sorted(glob.glob("tests/conformance/*.py"))
                           if name not in LEFT_OUT]
        for name, command in candidates:
            started = time.monotonic()
            if self.reach:
                self.reach.forget()
            folder = self.reach.folder if self.reach else self.root
            trouble = self.run_test(Test(name, command, 60, None), folder)
            if trouble:
                with open(folder + "/output", encoding="utf-8", errors="replace") as output:
                    sys.exit("mutate: the unchanged code fails: %s\n%s"
                             % (trouble, output.read()[-3000:]))
            self.tests.append(Test(name, command, time.monotonic() - started,
                                   self.reach.entered() if self.reach else None))


def rooms_sources():
    return sorted(name for room in ROOMS for name in glob.glob(room + "*.c"))


def symbols(objects, *options):
    done = subprocess.run(["nm", "-P", *options] + objects, stdout=subprocess.PIPE, check=True)
    lines = [line.split() for line in done.stdout.decode("ascii").splitlines()]
    return {line[0] for line in lines if len(line) > 1}


def units_of(root):
    """The unit tests that call the mutated rooms, by themselves or through their helpers."""
    obj = root + "/obj/"
    room = symbols([one for at in ROOMS for one in glob.glob(obj + at + "*.o")], "-g", "--defined-only")
    found = []
    for name in sorted(glob.glob("tests/unit/test_*.c")):
        with open(obj + name[:-2] + ".d", encoding="utf-8") as stream:
            helpers = re.findall(r"\btests/support/\w+(?=\.h\b)", stream.read())
        objects = [obj + one + ".o" for one in [name[:-2]] + sorted(set(helpers))]
        if room & symbols([one for one in objects if os.path.exists(one)], "-u"):
            found.append(name)
    return found


def order(build, mutation, source):
    """Those that enter what is changed (a table: any function of its file); first the file's own
    test, then its kin, then the fast ones."""
    changed = {mutation.function} if mutation.function else \
        {function[3] for function in mutations.functions_of(source)}
    stem = os.path.basename(mutation.file)[:-2]
    own = "test_" + stem
    tests = [one for one in build.tests if one.entered & changed
             and (not build.sanitized or one.seconds < SANITIZED_S or one.name == own)]
    def rank(test):
        kin = test.name.startswith("test_" + stem.split("_")[0])
        return (0 if test.name == own else 1 if kin else 2, test.seconds)
    return sorted(tests, key=rank)


def judge(mutation, source, builds, worker):
    """Caught, survived or not counted."""
    for build in builds:
        folder = "%s/job%d" % (build.root, worker)
        os.makedirs(folder, exist_ok=True)
        path = "%s/%s" % (folder, os.path.basename(mutation.file))
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(mutations.apply(source, mutation))
        if not build.compile(path, folder + "/changed.o"):
            return Verdict(mutation, "not counted", "does not compile")
        original = "%s/obj/%s.o" % (build.root, mutation.file[:-2])
        build.library(folder, {original: folder + "/changed.o"})
        for test in order(build, mutation, source):
            noticed = build.run_test(test, folder)
            if noticed:
                return Verdict(mutation, "caught", noticed +
                               (" (sanitizers)" if build.sanitized else ""))
    return Verdict(mutation, "survived", "")


def read_equivalent():
    reasons = {}
    with open(EQUIVALENT, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = line.rstrip("\n").split("\t")
            if len(parts) != 4:
                sys.exit("%s:%d: want file, function: line, change, reason" % (EQUIVALENT, number))
            reasons[tuple(parts[:3])] = parts[3]
    return reasons


def draw(found, seed, count):
    """The `count` changes whose hash with the seed is the smallest; all when it is 0."""
    def rank(one):
        key = "\t".join((str(seed), one.file, one.text, one.change))
        return hashlib.sha256(key.encode()).digest()
    return sorted(found, key=rank)[:count or None]


def show(verdicts, place, reasons, survivors):
    """A line each as they come, and the sum."""
    counts = collections.Counter()
    for verdict in verdicts:
        one, word, by = verdict.mutation, verdict.word, verdict.by
        reason = reasons.get((one.file, one.text, one.change))
        if reason and word == "survived":
            word, by = "equivalent", reason
        elif reason and word == "caught":
            by += " (listed as equivalent, wrongly)"
        counts[word] += 1
        if word == "survived":
            by = one.text
            survivors.write("%s\t%s\t%s\t\n" % (one.file, one.text, one.change))
            survivors.flush()
        change = one.change if len(one.change) <= CHANGE_WIDTH else \
            one.change[:CHANGE_WIDTH - 3] + "..."
        print("%-*s  %-11s  %-*s  %s" % (place, "%s:%d" % (one.file, one.line), word, CHANGE_WIDTH,
                                         change, by), flush=True)
    real = counts["caught"] + counts["survived"]
    print("%d changes: %d caught, %d survived, %d equivalent, %d not counted (do not compile): "
          "%.1f %% caught" % (sum(counts.values()), counts["caught"], counts["survived"],
                              counts["equivalent"], counts["not counted"],
                              100.0 * counts["caught"] / real if real else 100.0))


def prepare(root, jobs):
    flags = ("-O0", "address,undefined")
    everything = sorted(glob.glob("tests/unit/test_*.c"))
    programs = sorted(glob.glob("tests/support/main_*.c")) + ["engine/cmd/main.c"]
    builds = []
    for name in ("plain", "sanitized"):
        build = Build("%s/%s" % (root, name), flags, name == "sanitized")
        build.prepare(everything, programs, jobs)
        build.try_tests(units_of(build.root))
        builds.append(build)
    entered = {test.name: test.entered for test in builds[0].tests}
    builds[1].tests = [test._replace(entered=entered[test.name]) for test in builds[1].tests]
    return builds


def main():
    parser = argparse.ArgumentParser(description="Do the tests notice a small change?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60, help="changes to draw; 0: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", default="build")
    parser.add_argument("--files", default="", help="only files with this, or this,that in it")
    options = parser.parse_args()
    started = time.monotonic()
    root = options.build + "/mutate"
    os.makedirs(root, exist_ok=True)
    with open(root + "/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        builds = prepare(root, options.jobs)
        found, sources = mutations.all_of([room + "*.c" for room in ROOMS])
        reasons = read_equivalent()
        for key in reasons.keys() - {(m.file, m.text, m.change) for m in found}:
            print("%s: no such change: %s" % (EQUIVALENT, " | ".join(key)))
        chosen = draw([m for m in found if any(one in m.file for one in options.files.split(","))],
                      options.seed, options.count)
        print("%d of %d possible changes, seed %d; %d test programs"
              % (len(chosen), len(found), options.seed, len(builds[0].tests)))
        sys.stdout.flush()
        workers = queue.Queue()
        for number in range(options.jobs):
            workers.put(number)

        def one(mutation):
            worker = workers.get()
            try:
                return judge(mutation, sources[mutation.file], builds, worker)
            finally:
                workers.put(worker)

        chosen.sort(key=lambda m: (m.file, m.start))
        place = max(len("%s:%d" % (m.file, m.line)) for m in chosen)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool, \
                open(root + "/survivors.txt", "w", encoding="utf-8") as survivors:
            show(pool.map(one, chosen), place, reasons, survivors)
    print("seed %d, %d s" % (options.seed, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
