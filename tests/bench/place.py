# SPDX-License-Identifier: MIT
"""place: where the measuring happens. The public harness (its corpus, DNS server, load generator and
peers), and namespaces of our own around everything.

    harness = Harness(seed)          # programs compiled, corpus made; kept in build/bench
    sys.exit(enclosed(lambda folder: ...))

Inside `enclosed` the only network is a loopback with the clients' addresses, /etc/resolv.conf names
127.0.0.1, no name of a host is looked up by DNS, and `folder` is a file system in memory. However the
command ends, also by Ctrl-C and kill -9, no process and no mount is left.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID = 0x20000, 0x40000000, 0x20000000
PR_SET_PDEATHSIG = 1
SUFFIXES = ("/usr/share/rspamd/effective_tld_names.dat",
            "/usr/share/publicsuffix/public_suffix_list.dat")


def give_up(why):
    """Status 2, as of wrong usage; 1 says that something was measured and is not as wanted."""
    print("bench: " + why, file=sys.stderr)
    sys.exit(2)


def be_root():
    if os.getuid() != 0:
        give_up("wants root, for a network and mounts of its own")


class Harness:
    """The public harness's folder, and what was made with it for one seed."""

    def __init__(self, seed=1):
        self.folder = self.find()
        self.seed = seed
        self.work = os.path.join(BUILD, "bench")  # programs, and a folder for each seed
        self.home = os.path.join(self.work, "seed-%d" % seed)  # what it calls BENCH_WORK
        self.corpus = os.path.join(self.home, "corpus")
        os.makedirs(os.path.join(self.home, "build"), exist_ok=True)
        for name, options in (("load", ["-pthread"]), ("dnsd", [])):
            if not self.compile(name, options):
                give_up("%s.c of the harness does not compile" % name)
        self.make_corpus()

    @staticmethod
    def find():
        suites = os.environ.get("MOON_SUITES") or os.path.join(TREE, "../shared/suites")
        for folder in (os.environ.get("MOON_BENCH"), os.path.join(suites, "../bench")):
            if folder and os.path.isfile(os.path.join(folder, "load.c")):
                return os.path.realpath(folder)
        give_up("the harness (load.c, dnsd.c, gen.py) is in no place that I know; name its folder in "
                "MOON_BENCH")

    def program(self, name):
        return os.path.join(self.home, "build", name)

    def compile(self, name, options, source=None):
        """A program of the harness; False when its libraries are not there."""
        source = os.path.join(self.folder, source or name + ".c")
        out, link = os.path.join(self.work, name), self.program(name)
        if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(source):
            before = [word for word in options if not word.startswith("-l")]
            after = [word for word in options if word.startswith("-l")]
            done = subprocess.run(["cc", "-O2", *before, "-o", out, source, *after], check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if done.returncode:
                return False
        if not os.path.lexists(link):
            os.symlink(os.path.join("../..", name), link)
        return True

    def make_corpus(self):
        if os.path.exists(os.path.join(self.corpus, "list.tsv")):
            return
        done = subprocess.run(["/usr/bin/python3", "-B", os.path.join(self.folder, "gen.py"),
                               self.corpus, "--seed", str(self.seed)],
                              stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            shutil.rmtree(self.corpus, ignore_errors=True)
            give_up("the corpus cannot be made. On Debian it needs python3-dkim, python3-nacl, "
                    "python3-cryptography and python3-authres")

    def suffixes(self):
        """A public suffix list that has the corpus's top level domain, for peers that need one."""
        path = os.path.join(self.work, "tld.dat")
        text = ""
        for known in SUFFIXES:
            if not text and os.path.exists(known):
                with open(known, encoding="utf-8") as file:
                    text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\nexample\n")
        return path

    def template(self, name, **values):
        """A configuration of one of its peers."""
        with open(os.path.join(self.folder, "peers", name), encoding="utf-8") as file:
            text = file.read()
        for key, value in values.items():
            text = text.replace("@%s@" % key, str(value))
        return text

    def run(self, *words, **options):
        """Its bench.py, for this seed."""
        environment = dict(os.environ, BENCH_WORK=self.home, **options.pop("environment", {}))
        return subprocess.run(["/usr/bin/python3", "-B", os.path.join(self.folder, "bench.py"), *words],
                              env=environment, stdout=subprocess.PIPE, text=True, check=False, **options)


def call(*words):
    subprocess.run(words, check=True)


def bind(folder, name, text):
    """`text` in the place of a file of /etc, for us alone."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    call("mount", "--bind", path, "/etc/" + name)


def furnish(folder):
    call("mount", "--make-rprivate", "/")
    call("mount", "-t", "proc", "proc", "/proc")
    call("mount", "-t", "tmpfs", "-o", "mode=755,size=4g", "tmpfs", folder)
    for words in ("link set lo up", "route add local 198.18.0.0/15 dev lo",
                  "-6 route add local 2001:db8::/32 dev lo"):
        call("ip", *words.split())
    bind(folder, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
    bind(folder, "nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"
         "services: files\nprotocols: files\n")


def inside(work, folder):
    """The first process of the new namespaces: everything in them ends with it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET):
        print("bench: no namespaces: " + os.strerror(ctypes.get_errno()), file=sys.stderr)
        os._exit(2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    status = 2
    try:
        furnish(folder)
        tempfile.tempdir = folder
        status = work(folder)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else 2
    except BaseException:  # pylint: disable=broad-except
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def enclosed(work):
    """work(folder) in namespaces of its own; returns its exit status. As root (be_root) only."""
    folder = tempfile.mkdtemp(prefix="moonscan-bench-", dir="/tmp")
    os.chmod(folder, 0o755)
    sys.stdout.flush()
    if LIBC.unshare(CLONE_NEWPID):
        os.rmdir(folder)
        give_up("no namespaces: " + os.strerror(ctypes.get_errno()))
    child = os.fork()
    if child == 0:
        inside(work, folder)
    asked = []

    def end(number, _):
        os.kill(child, signal.SIGKILL if asked else signal.SIGTERM)
        asked.append(number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    _, status = os.waitpid(child, 0)
    os.rmdir(folder)
    return 128 + asked[0] if asked else os.waitstatus_to_exitcode(status)
