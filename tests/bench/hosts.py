# SPDX-License-Identifier: MIT
"""hosts: the mail hosts that are measured, all running side by side, one loaded at a time.

    bare              Exim that checks nothing
    own               Exim's own SPF and DKIM (no DMARC, no ARC)
    embedded          Moonscan, a worker for each connection
    static            the same with the program that is linked statically
    service           Moonscan with `moonscan serve`, as many workers as it has by default
    service-nocache   the same with dns.cache_seconds = 0: it asks DNS anew for each message
    rspamd            Exim that asks rspamd in its DATA ACL (SPF, DKIM, DMARC and ARC only)

One connection for each message, the worst case for a worker that lives as long as its connection
and keeps DNS answers as long; programs on disk, spool in memory, nothing delivered. CPU is all that Exim, its children, workers that outlive them, the
service and rspamd have used, by the kernel's account; never that of the load or of the DNS server.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from lab import BUILD, Lab, LabError, wait_for  # noqa: E402
from place import call  # noqa: E402
from processes import processes  # noqa: E402

VARIANTS = ("bare", "own", "embedded", "static", "service", "service-nocache", "rspamd")
MOONSCAN = ("embedded", "static", "service", "service-nocache")
# What has nothing cached when a message comes: compared with the chain of its DNS questions.
UNCACHED = ("embedded", "static", "service-nocache")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Asking rspamd, Exim expands the client's host name: byaddr and a nsswitch.conf without DNS keep that
# from costing two PTR questions.
QUIET = "queue_only\nqueue_run_max = 0\nsmtp_accept_queue = 0\n" \
    "smtp_accept_max_per_host = 0\nsplit_spool_directory\nhelo_allow_chars = _\n" \
    "chunking_advertise_hosts =\nprdr_enable = false\nhost_lookup =\nhost_lookup_order = byaddr\n"
OWN_SPF = "  warn spf = fail : softfail : none : neutral : pass : permerror : temperror\n"
ASK_RSPAMD = "  warn spam = nobody:true\n       set acl_m_rspamd = $spam_action $spam_score\n"


class Names:
    """The harness's DNS server, for all hosts; its delay can be changed."""

    def __init__(self, harness, zone):
        self.process = subprocess.Popen([harness.program("dnsd"), "-p", "53", zone])
        wait_for("the DNS server", self.answers)

    def answers(self):
        try:
            return self.control("stats") is not None
        except OSError:
            return False

    @staticmethod
    def control(name):
        """Its counters, before what the question does."""
        query = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(
            bytes([len(label)]) + label.encode() for label in name.split(".") + ["_ctl"]) + b"\0\0\x10\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(10)  # it answers at once, but the machine may be busy
            udp.connect(("127.0.0.1", 53))
            udp.send(query)
            text = udp.recv(2000)[len(query) + 13:].decode()
        return dict((key, int(value)) for key, value in
                    (word.split("=") for word in text.split() if "=" in word))

    def delay(self, ms):
        self.control("%d.delay" % (1000 * ms))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Host(Lab):
    """A lab whose Exim only queues; its resolver is that of /etc/resolv.conf."""

    def __init__(self, variant, harness, others):
        """others: processes of this one that are no orphans of a host."""
        config = {"policy": "monitor", "quarantine": "none"}
        if variant == "service-nocache":
            config["dns.cache_seconds"] = 0
        super().__init__(config=config,
                         tenants={"rcpt": ["rcpt.example"]}, module=variant in MOONSCAN and None,
                         main=QUIET + ("spamd_address = 127.0.0.1 11333 variant=rspamd\n"
                                       if variant == "rspamd" else ""),
                         acl_rcpt=OWN_SPF if variant == "own" else "",
                         acl_data=ASK_RSPAMD if variant == "rspamd" else "")
        self.variant, self.harness, self.others = variant, harness, others
        self.orphans_s = 0.0
        self.mounted = []

    def start_names(self):
        self.dns_port = 53

    def configure_moonscan(self):
        super().configure_moonscan()
        if self.variant == "static":
            shutil.copy(os.path.join(BUILD, "moonscan-static"), self.program)

    def put_on_disk(self):
        """Programs on a disk, where a site has them. The pages of a file system in memory are all
        small, and each process that runs a file of it pays for that."""
        folder = os.path.join(self.harness.work, "programs", self.variant)
        os.makedirs(folder, exist_ok=True)
        for path in [self.path("bin/exim4")] + ([self.program, self.module_file] if self.module else []):
            with open(path, "rb") as file:
                program = file.read()
            copy = os.path.join(folder, os.path.basename(path))
            with open(copy, "wb") as file:
                file.write(program)
            os.chmod(copy, 0o755)
            call("mount", "--bind", copy, path)
            self.mounted.append(path)

    def stop(self):
        while self.mounted:
            call("umount", "--lazy", self.mounted.pop())
        return super().stop()

    def configure_exim(self):
        self.put_on_disk()
        super().configure_exim()
        self.listens = "<; [127.0.0.1]:%d ; [::1]:%%d" % self.port
        if self.variant == "own":
            self.write("exim.conf", self.read("exim.conf").replace(
                "  accept control = dkim_disable_verify\n", "  accept\n"))
        if self.variant.startswith("service"):
            self.start_service()
        if self.variant == "rspamd":
            self.start_rspamd()

    def start_rspamd(self):
        os.mkdir(self.path("rspamd"))
        self.own(self.path("rspamd"))
        shutil.copy(self.harness.suffixes(), self.path("rspamd/tld.dat"))
        conf = self.write("rspamd.conf", self.harness.template(
            "rspamd.conf", WORK=self.path("rspamd"), COUNT=os.cpu_count() or 1))
        with open(self.path("log/rspamd"), "ab") as log:
            process = self.as_user(["rspamd", "-f", "-c", conf], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
        self.started.append(process)
        self.wait_port("rspamd", process, 11333, "log/rspamd")

    def start_exim(self):
        super().start_exim()
        self.others.update(process.pid for process in self.started)

    def left(self):
        """The other hosts go on; the end of this one's namespace is that of all processes."""
        return {}

    # --- what the kernel counts --------------------------------------------------------------------

    def reap_counting(self):
        """Workers that outlived their connection: this process adopts them."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if not found:
                return
            if found.si_pid in self.others:
                raise LabError("%s: a server has ended: %d" % (self.variant, found.si_pid))
            _, _, used = os.wait4(found.si_pid, 0)
            self.orphans_s += used.ru_utime + used.ru_stime

    def family(self):
        """Process ids: servers with all below them, and orphans; zombies left out."""
        self.reap_counting()
        every = processes()
        mine = {process.pid for process in self.started}
        mine |= {pid for pid, (parent, _, _) in every.items()
                 if parent == os.getpid() and pid not in self.others}
        grows = True
        while grows:
            below = {pid for pid, (parent, _, _) in every.items() if parent in mine} - mine
            mine |= below
            grows = bool(below)
        return [pid for pid in mine if pid in every and every[pid][1] != "Z"]

    def cpu_s(self):
        total = 0.0
        for pid in self.family():
            try:
                with open("/proc/%d/stat" % pid, encoding="latin-1") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(word) for word in fields[11:15]) * TICK_S
        return total + self.orphans_s

    def settle(self):
        """Until nothing of the last run is going on: as many processes and ticks as 60 ms before."""
        seen = []

        def quiet():
            seen.append((len(self.family()), self.cpu_s()))
            time.sleep(0.02)
            return len(seen) > 3 and len(set(seen[-4:])) == 1
        try:
            wait_for("the connections to end", quiet, 10)
        except LabError:
            print("bench: %s does not come to rest" % self.variant, file=sys.stderr)

    # --- measuring ---------------------------------------------------------------------------------

    def empty_spool(self):
        for folder in ("input", "msglog"):
            shutil.rmtree(self.path("spool", folder), ignore_errors=True)

    def load(self, corpus, clients, messages):
        """The load generator's summary, and microseconds after DATA of each message by its id."""
        replies = self.path("replies")
        done = subprocess.run([self.harness.program("load"), "smtp", "-p", str(self.port), "-c",
                               str(clients), "-n", str(messages), "-o", replies, corpus],
                              stdout=subprocess.PIPE, text=True, check=False)
        got = json.loads(done.stdout)
        if got["ok"] != got["n"]:
            raise LabError("%s: %d of %d messages were taken: %s" % (
                self.variant, got["ok"], got["n"], self.read("log/mainlog")[-500:]))
        with open(replies, encoding="utf-8", errors="replace") as file:
            return got, [(line.split("\t")[0], int(line.split("\t")[1])) for line in file]

    def measure(self, corpus, clients, messages, chain_ms=None):
        """chain_ms: of each message by its id, the time of its longest chain of DNS questions."""
        # All is started, all pages are in memory.
        self.load(corpus, clients, min(messages, 20 if chain_ms else 60))
        self.settle()
        Names.control("reset")
        before = self.cpu_s()
        got, after_us = self.load(corpus, clients, messages)
        self.settle()
        used = self.cpu_s() - before
        questions = Names.control("reset")["queries"]
        self.empty_spool()
        row = {"cpu_ms": 1e3 * used / messages, "rate": got["rate"],
               "session_ms": got["session_us"]["p50"] / 1e3, "after_ms": got["eod_us"]["p50"] / 1e3,
               "questions": questions / messages}
        if chain_ms:
            row["of_chain"] = statistics.median(us / 1e3 / chain_ms[name] for name, us in after_us)
        return row


def absent(variant):
    """Why a variant cannot be measured here, or None."""
    if variant == "rspamd" and not shutil.which("rspamd"):
        return "rspamd is not installed (on Debian: RUNLEVEL=1 apt-get install rspamd)"
    if variant == "static" and not os.path.exists(os.path.join(BUILD, "moonscan-static")):
        return "build/moonscan-static is not there"
    return None
