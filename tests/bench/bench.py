#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench: what Moonscan costs Exim, as ratios in one run.

    bench.py [--rounds 9] [--messages 400] [--clients 1,4] [--delay 0] [--seed 1] [VARIANT ...]

Variants, interleaved in every round:
    bare       Exim that checks nothing
    own        Exim's own SPF and DKIM (no DMARC, no ARC)
    embedded   Moonscan, a worker for each connection
    static     the same with the program that is linked statically
    service    Moonscan with `moonscan serve`

The load generator, the DNS server with a delay and the corpus are those of the public harness: the
folder MOON_BENCH, or `bench` beside the suites (MOON_SUITES). One connection for each message, the
worst case for a worker that lives as long as its connection; spool in memory, nothing delivered.

CPU is all that Exim, its children, workers that outlive them, and the service have used, by the
kernel's account. Wants root: runs in a network of its own, whose loopback has the clients' addresses,
and with a resolv.conf that names the DNS server.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests/support"))

import lab as laboratory  # noqa: E402
from lab import BUILD, Lab, LabError, wait_for  # noqa: E402
from processes import descendants, processes  # noqa: E402

WORK = os.path.join(BUILD, "bench")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
VARIANTS = ("bare", "own", "embedded", "static", "service")
QUIET = "queue_only\nqueue_run_max = 0\nsmtp_accept_queue = 0\n" \
    "smtp_accept_max_per_host = 0\nsplit_spool_directory\nhelo_allow_chars = _\n" \
    "chunking_advertise_hosts =\nprdr_enable = false\nhost_lookup =\n"


def find_harness():
    suites = os.environ.get("MOON_SUITES") or os.path.join(TREE, "../shared/suites")
    for folder in (os.environ.get("MOON_BENCH"), os.path.join(suites, "../bench")):
        if folder and os.path.isfile(os.path.join(folder, "load.c")):
            return os.path.realpath(folder)
    sys.exit("bench: the harness (load.c, dnsd.c, gen.py) is in no place that I know; name its "
             "folder in MOON_BENCH")


def prepare(harness, seed):
    """Programs and corpus of the harness, made once; returns the corpus's folder."""
    os.makedirs(WORK, exist_ok=True)
    for name, options in (("load", ["-pthread"]), ("dnsd", [])):
        if not os.path.exists(os.path.join(WORK, name)):
            subprocess.run(["cc", "-O2", *options, "-o", os.path.join(WORK, name),
                            os.path.join(harness, name + ".c")], check=True)
    corpus = os.path.join(WORK, "corpus-%d" % seed)
    if not os.path.exists(os.path.join(corpus, "list.tsv")):
        done = subprocess.run(["/usr/bin/python3", "-B", os.path.join(harness, "gen.py"), corpus,
                               "--seed", str(seed)], stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            shutil.rmtree(corpus, ignore_errors=True)
            sys.exit("bench: the corpus cannot be made. On Debian it needs python3-dkim, "
                     "python3-nacl, python3-cryptography and python3-authres")
    return corpus


def own_network():
    """Goes on in a network and mounts of its own."""
    if os.environ.get("MOON_BENCH_INSIDE") != "1":
        if os.getuid() != 0:
            sys.exit("bench: wants root, for a network of its own")
        os.environ["MOON_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-m", "-n", "/usr/bin/python3", "-B",
                              os.path.abspath(__file__), *sys.argv[1:]])
    for words in ("link set lo up", "route add local 198.18.0.0/15 dev lo",
                  "-6 route add local 2001:db8::/32 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    resolv = os.path.join(WORK, "resolv.conf")
    with open(resolv, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)


class Bench(Lab):
    """A lab with the harness's DNS server, whose Exim only queues."""

    def __init__(self, variant, corpus, delay_ms):
        own = variant == "own"
        super().__init__(config={"policy": "monitor", "quarantine": "none", "log": None},
                         tenants={"rcpt": ["rcpt.example"]}, module=variant not in ("bare", "own")
                         and None, main=QUIET,
                         acl_rcpt="  warn spf = fail : softfail : none : neutral : pass : "
                                  "permerror : temperror\n" if own else "")
        self.variant, self.corpus, self.delay_ms = variant, corpus, delay_ms
        self.config.pop("log")
        self.orphans_s = 0.0

    def make_stage(self):
        super().make_stage()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=2g,uid=%d,gid=%d"
                        % (self.uid, self.gid), "tmpfs", self.path("spool")], check=True)

    def start_names(self):
        self.dns_port = 53
        names = subprocess.Popen([os.path.join(WORK, "dnsd"), "-p", "53", "-d", str(self.delay_ms),
                                  os.path.join(self.corpus, "zone.txt")])
        self.names = names
        self.started.append(names)
        self.wait_port("the DNS server", names, 53, "log/none")

    def configure_moonscan(self):
        super().configure_moonscan()
        if self.variant == "static":
            shutil.copy(os.path.join(BUILD, "moonscan-static"), self.program)

    def configure_exim(self):
        super().configure_exim()
        self.listens = "<; [127.0.0.1]:%d ; [::1]:%%d" % self.port
        text = self.read("exim.conf")
        if self.variant == "own":
            text = text.replace("  accept control = dkim_disable_verify\n", "  accept\n")
        self.write("exim.conf", text)
        if self.variant == "service":
            self.start_service("--spare", "6")

    def stop(self):
        spool = self.stage and self.path("spool")
        for process in reversed(self.started):
            process.terminate()
            process.wait()
        if spool:
            subprocess.run(["umount", spool], check=False)
        return super().stop()

    def reap_counting(self):
        """Workers that outlived their connection: this process adopts them."""
        while True:
            try:
                pid, _, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.orphans_s += used.ru_utime + used.ru_stime

    def cpu_s(self):
        """Exim's, its reaped children's, the orphans', the service's."""
        self.reap_counting()
        total = self.orphans_s
        mine = descendants(os.getpid())
        for pid in set(mine) & set(processes()):
            if pid == self.names.pid:
                continue
            try:
                with open("/proc/%d/stat" % pid, encoding="latin-1") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(word) for word in fields[11:15]) * TICK_S
        return total

    def settle(self):
        """Until the connections of the last run are gone."""
        idle = 7 + 1 if self.variant == "service" else 1  # the supervisor, its spares, Exim
        def quiet():
            self.reap_counting()
            below = {pid: line for pid, line in descendants(os.getpid()).items()
                     if pid != self.names.pid}
            return len(below) <= idle or time.sleep(0.02)
        try:
            wait_for("the connections to end", quiet, 5)
        except LabError:
            pass  # spare workers that a burst has left: they cost nothing

    def load(self, clients, messages):
        done = subprocess.run([os.path.join(WORK, "load"), "smtp", "-p", str(self.port), "-c",
                               str(clients), "-n", str(messages), self.corpus],
                              stdout=subprocess.PIPE, text=True, check=False)
        return json.loads(done.stdout)

    def measure(self, clients, messages):
        self.load(clients, 60)  # all is started, all pages are in memory
        self.settle()
        before = self.cpu_s()
        got = self.load(clients, messages)
        self.settle()
        if got["ok"] != got["n"]:
            raise LabError("%s: %d of %d messages were taken: %s" % (
                self.variant, got["ok"], got["n"], self.read("log/mainlog")[-500:]))
        return {"cpu_ms": 1e3 * (self.cpu_s() - before) / messages, "rate": got["rate"],
                "after_data_ms": got["eod_us"]["p50"] / 1e3}


def show(rows, variants, clients, bare):
    """A table: median, spread, and the ratio to bare Exim of the same round."""
    print("\n%d client%s%s" % (clients, "s" if clients > 1 else "", " " * 13)
          + "CPU ms/message          more than bare   messages/s          of bare   after DATA ms")
    for variant in variants:
        mine = [r[variant] for r in rows]
        cpu = sorted(r["cpu_ms"] for r in mine)
        rate = sorted(r["rate"] for r in mine)
        line = "  %-10s  %6.2f (%.2f to %.2f)" % (variant, statistics.median(cpu), cpu[0], cpu[-1])
        if bare:
            more = statistics.median(r[variant]["cpu_ms"] - r["bare"]["cpu_ms"] for r in rows)
            part = statistics.median(r[variant]["rate"] / r["bare"]["rate"] for r in rows)
            line = "%-42s %+6.2f" % (line, more)
        line = "%-55s %5.0f (%.0f to %.0f)" % (line, statistics.median(rate), rate[0], rate[-1])
        if bare:
            line = "%-77s %4.2f" % (line, part)
        print("%-88s %6.2f" % (line, statistics.median(r["after_data_ms"] for r in mine)))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--clients", default="1,4")
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("variants", nargs="*", metavar="VARIANT")
    options = parser.parse_args()
    variants = options.variants or list(VARIANTS)
    unknown = set(variants) - set(VARIANTS)
    if unknown:
        sys.exit("bench: no such variant: %s; there are %s" % (" ".join(unknown),
                                                               " ".join(VARIANTS)))
    corpus = prepare(find_harness(), options.seed)
    own_network()
    print("bench: %d rounds of %d messages, DNS delay %g ms, load average %.2f" % (
        options.rounds, options.messages, options.delay, os.getloadavg()[0]), flush=True)
    for clients in (int(word) for word in options.clients.split(",")):
        rows = []
        for number in range(options.rounds):
            row = {}
            for variant in variants if number % 2 == 0 else variants[::-1]:
                with Bench(variant, corpus, options.delay) as bench:
                    row[variant] = bench.measure(clients, options.messages)
            rows.append(row)
            print("  round %d of %d, %d client%s: %s" % (
                number + 1, options.rounds, clients, "s" if clients > 1 else "",
                "  ".join("%s %.2f ms" % (v, row[v]["cpu_ms"]) for v in variants)), flush=True)
        show(rows, variants, clients, "bare" in variants)
    return 0


if __name__ == "__main__":
    sys.exit(main())
