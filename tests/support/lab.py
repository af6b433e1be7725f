# SPDX-License-Identifier: MIT
"""lab: a whole mail host on loopback for a test: NSD, Exim with the module, Moonscan, its published
configuration; all of one unprivileged user, in a folder of its own, gone afterwards.

    with Lab(config={...}, zones=ZONES) as lab:
        with lab.smtp("127.0.1.7") as smtp:
            reply = smtp.message("a@bank.example", ["x@acme.test"], message)
        lab.settled(reply.queue_id)
        lab.where(reply.queue_id), lab.record(reply.queue_id), lab.mainlog()

1. stage folder; binaries copied into it, so that it does not matter who may read the source tree;
2. name servers (names.py); 3. the published snapshot; 4. Exim's configuration and daemon;
5. at the end, and on SIGTERM and SIGINT: everything stopped, checked that no process is left
   (this process adopts orphans), the folder removed. MOON_KEEP=1 keeps it. MOON_WORKER=FILE runs
   another build of the program.
"""

import ctypes
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import names  # noqa: E402
from processes import descendants  # noqa: E402
import smtp as smtp_client  # noqa: E402

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
DAEMONS = next((d for d in (os.path.join(BUILD, "daemons"), os.path.join(TREE, "build/daemons"))
                if os.path.isdir(d)), "")
NOBODY = 65534
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)
WAIT_S = 60  # for things that take milliseconds, on a machine that may be busy


class LabError(Exception):
    """The lab itself does not work; no finding about the program under test."""


def free_port():
    """A port that is free now for UDP and TCP; below those that the kernel gives to clients, so
    that it stays free until the server takes it."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            udp.bind(("::1", 0))
        return True
    except OSError:
        return False


def wait_for(what, condition, timeout_s=WAIT_S):
    """Waits until condition() is true and returns what it returned; LabError in time never."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError("waited %d s for %s" % (timeout_s, what))
        time.sleep(0.01)


def lua_value(value):
    """A setting as it stands in moonscan.lua."""
    if isinstance(value, list):
        return "{ " + ", ".join(lua_value(item) for item in value) + " }"
    return str(value) if isinstance(value, int) else json.dumps(value)


class Lab:
    listens = "127.0.0.1.%d"  # Exim's -oX
    relay_class = names.Relay

    def __init__(self, zones="", config=None, files=None, daemon="heavy", exim=None,
                 environment=None, main="", acl_rcpt="", acl_data="", rewrite="", module=None,
                 tenants=None, snapshot=True, silent=(), rcpt="acl_rcpt", data="acl_data"):
        """zones: zone text of names.zones_of. config: settings of moonscan.lua by dotted name.
        files: policies and lists by their path in the configuration folder ("site.lua",
        "tenants/acme.lua"). tenants: name -> its domains. daemon: "heavy" or
        "light"; exim: another binary with the module linked in. silent: names that the name
        server does not answer. main, acl_*, rewrite: text for
        Exim's configuration; rcpt, data: the names of these ACLs. module: False runs Exim without
        Moonscan."""
        self.zones = names.zones_of(zones)
        self.config = dict(config or {})
        self.files = dict(files or {})
        self.tenants = dict(tenants or {"acme": ["acme.test"]})
        self.exim_binary = exim or os.path.join(DAEMONS, daemon, "usr/sbin/exim4")
        self.static = exim is not None
        self.environment = dict(environment or {})
        self.text = {"MAIN": main, "ACL_RCPT": acl_rcpt, "ACL_DATA": acl_data,
                     "REWRITE": rewrite, "RCPT": rcpt, "DATA": data}
        self.module = module is not False
        self.publish_snapshot = snapshot
        self.silent = silent
        self.panic_expected = False  # a test may cause a panic log on purpose
        self.started = []
        self.relay = None
        self.stage = None
        self.old_handlers = {}
        self.uid = os.getuid() or NOBODY
        self.gid = os.getgid() if os.getuid() else NOBODY

    # --- start and stop --------------------------------------------------------------------------

    def __enter__(self):
        if not DAEMONS:
            raise LabError("the daemons are missing: run make deps")
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.old_handlers[number] = signal.signal(number, self.interrupted)
        try:
            self.make_stage()
            self.start_names()
            self.configure_moonscan()
            self.configure_exim()
            self.start_exim()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        left = self.stop()
        if left and kind is None:
            raise LabError("processes were left: %r" % left)

    @staticmethod
    def interrupted(number, _frame):
        raise SystemExit(128 + number)

    def stop(self):
        """Stops everything; returns the processes that the daemons' end has left running."""
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        end = time.monotonic() + 5
        left = self.left()
        while left and time.monotonic() < end:
            time.sleep(0.02)
            left = self.left()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.reap()
        if self.relay:
            self.relay.stop()
            self.relay = None
        for number, handler in self.old_handlers.items():
            signal.signal(number, handler)
        if self.stage and os.environ.get("MOON_KEEP"):
            print("# kept: " + self.stage)
        elif self.stage:
            shutil.rmtree(self.stage)
        self.started = []
        self.stage = None
        return left

    def left(self):
        """What runs below this process: pid -> command line."""
        return descendants(os.getpid())

    @staticmethod
    def reap():
        """Orphans that this process has adopted and that have ended."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    def path(self, *parts):
        return os.path.join(self.stage, *parts)

    def own(self, path):
        if os.getuid() == 0:
            os.chown(path, self.uid, self.gid)

    def write(self, path, text):
        """A file of the stage, with its folders, the lab user's."""
        full = self.path(path)
        folder = os.path.dirname(full)
        if not os.path.isdir(folder):
            os.makedirs(folder)
            while folder != self.stage:
                self.own(folder)
                folder = os.path.dirname(folder)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        self.own(full)
        return full

    def as_user(self, argv, **options):
        """subprocess.Popen as the lab's user; the child dies with this process."""
        if os.getuid() == 0:
            options.update(user=self.uid, group=self.gid, extra_groups=[])
        return subprocess.Popen(argv, cwd=self.stage, umask=0o022, start_new_session=True,
                                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
                                **options)

    def run(self, argv, **options):
        """A command as the lab's user, to its end: (status, stdout, stderr) as text."""
        options.setdefault("stdin", subprocess.DEVNULL)
        given = options.pop("input", None)
        if given is not None:
            options["stdin"] = subprocess.PIPE
        process = self.as_user(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        out, err = process.communicate(given, timeout=120)
        return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    # --- parts -----------------------------------------------------------------------------------

    def make_stage(self):
        self.stage = tempfile.mkdtemp(prefix="moonscan-lab-")
        self.own(self.stage)
        os.chmod(self.stage, 0o711)
        for name in ("bin", "docs", "spool", "log", "run", "zones", "mail", "quarantine", "state",
                     "config", "decisions", "store"):
            os.mkdir(self.path(name))
            self.own(self.path(name))
        self.copy_exim()
        shutil.copy(os.path.join(DAEMONS, "nsd/usr/sbin/nsd"), self.path("bin/nsd"))
        if self.module:
            self.copy_moonscan()
        for name in ("main.conf", "acl.conf", "data.conf", "router.conf", "transport.conf"):
            with open(os.path.join(TREE, "docs/exim", name), encoding="utf-8") as file:
                lines = file.read().splitlines(True)
            if self.static:  # the module is in the binary: there is no such option
                lines = [line for line in lines if not line.startswith("local_scan_path")]
            self.write("docs/" + name, "".join(lines))

    def copy_exim(self):
        """Debian's binary knows one user by name, and without that user it does not start. The
        copy has this user's number in the name's place."""
        with open(self.exim_binary, "rb") as file:
            binary = file.read()
        name = b"\0Debian-exim\0"
        binary = binary.replace(name, b"\0" + str(self.uid).encode().ljust(11, b"\0") + b"\0")
        with open(self.path("bin/exim4"), "wb") as file:
            file.write(binary)
        os.chmod(self.path("bin/exim4"), 0o755)

    def copy_moonscan(self):
        """By `make install`, as a site would."""
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "-s", "-C", TREE, "install", "PREFIX=/usr",
                               "BUILD=" + os.path.relpath(BUILD, TREE), "DESTDIR=" + self.stage],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                              check=False)
        if done.returncode:
            raise LabError("make install: " + done.stdout.decode("utf-8", "replace"))
        self.program = self.path("usr/bin/moonscan")
        if os.environ.get("MOON_WORKER"):  # another build of it, with sanitizers
            shutil.copy(os.environ["MOON_WORKER"], self.program)
        self.module_file = self.find_module()

    def find_module(self):
        for folder, _, files in os.walk(self.path("usr")):
            if "moonscan.so" in files:
                return os.path.join(folder, "moonscan.so")
        raise LabError("make install has not installed moonscan.so")

    def start_names(self):
        self.nsd_port = free_port()
        ipv6 = has_ipv6()
        names.write_nsd(self.stage, self.nsd_port, self.zones, ipv6)
        nsd = self.as_user([self.path("bin/nsd"), "-d", "-c", self.path("nsd.conf")],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        self.started.append(nsd)
        self.wait_port("NSD", nsd, self.nsd_port, "log/nsd.log")
        self.dns_port = free_port()
        self.relay = self.relay_class(self.dns_port, self.nsd_port)
        self.relay.silent.update(self.silent)

    def wait_port(self, name, process, port, log):
        def open_now():
            if process.poll() is not None:
                raise LabError("%s ended with status %s: %s" % (name, process.returncode,
                                                               self.read(log)))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        wait_for(name + " to listen", open_now)

    def configure_moonscan(self):
        """The configuration folder, and the snapshot that `moonscan publish` makes of it."""
        self.write("tenants", "".join("%s: %s\n" % (domain, tenant)
                                      for tenant, domains in sorted(self.tenants.items())
                                      for domain in domains))
        self.decisions = self.path("decisions/decisions.jsonl")
        if not self.module or not self.publish_snapshot:
            return
        settings = {"authserv_id": "mx.lab.test", "quarantine": "router",
                    "dns.servers": ["127.0.0.1:%d" % self.dns_port], "log.path": self.decisions,
                    "log.service_path": self.decisions,
                    "store": "sqlite:" + self.path("store/counters.sqlite")}
        settings.update(self.config)
        self.publish(settings)

    def publish(self, settings):
        """moonscan.lua and the files beside it, and `moonscan publish`."""
        lines = ["return {"]
        tables = {}
        for key, value in settings.items():
            table, _, name = key.rpartition(".")
            tables.setdefault(table, []).append("%s = %s," % (name, lua_value(value)))
        for table, values in tables.items():
            lines += ["  %s = {" % table] if table else []
            lines += ["  " + value for value in values]
            lines += ["  },"] if table else []
        self.write("config/moonscan.lua", "\n".join(lines + ["}", ""]))
        self.write("config/tenants.map", self.read("tenants"))
        for path, text in self.files.items():
            self.write("config/" + path, text)
        status, out, err = self.run([self.program, "publish", "--config-dir", self.path("config"),
                                     "--state-dir", self.path("state")])
        if status:
            raise LabError("moonscan publish: " + out + err)

    def configure_exim(self):
        self.port = free_port()
        environment = {}
        if self.module:
            environment = {"MOONSCAN_PROGRAM": self.program,
                           "MOONSCAN_SNAPSHOT": self.path("state/current"),
                           "MOONSCAN_SOCKET": self.path("run/scan.sock")}
        environment.update(self.environment)
        include = self.path("docs/main.conf")
        if not self.module:
            include = self.write("docs/none.conf", "".join(
                line for line in self.read("docs/main.conf").splitlines(True)
                if not line.startswith("local_scan")))
        options = ""
        module = self.module_file if self.module else "/nonexistent"
        if self.static:
            module = ""  # it is in the binary
            options = "begin local_scan\n" + "".join(
                "%s = %s%s\n" % (name.lower(), value, "s" if name.endswith("TIMEOUT") else "")
                for name, value in environment.items())
            environment = {}
        with open(os.path.join(TREE, "tests/exim/exim.conf.in"), encoding="utf-8") as file:
            text = file.read()
        fill = {"STAGE": self.stage, "UID": str(self.uid), "GID": str(self.gid),
                "PORT": str(self.port), "INCLUDE_MAIN": ".include " + include, "LOCAL_SCAN": options,
                "MODULE": module,
                "ENVIRONMENT": "add_environment = <; " + " ; ".join(
                    "%s=%s" % item for item in environment.items()) if environment else ""}
        fill.update(self.text)
        for name, value in fill.items():
            text = text.replace("@" + name + "@", value)
        self.exim_conf = self.write("exim.conf", text)
        self.exim = [self.path("bin/exim4"), "-C", self.exim_conf]

    def start_exim(self):
        status, out, err = self.run(self.exim + ["-bV"])
        if status:
            raise LabError("Exim refuses its configuration: " + out + err)
        daemon = self.as_user(self.exim + ["-bdf", "-oX", self.listens % self.port, "-oP",
                                           self.path("run/exim.pid")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        self.started.append(daemon)
        self.wait_port("Exim", daemon, self.port, "log/mainlog")

    def start_service(self, *options, program=None):
        """`moonscan serve` (or that of another program) beside Exim; its end is the caller's or the
        lab's."""
        before = self.read("log/service").count("listening on")
        with open(self.path("log/service"), "ab") as log:
            service = self.as_user([program or self.program, "serve", "--socket",
                                    self.path("run/scan.sock"), "--snapshot",
                                    self.path("state/current"), *options],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        self.started.append(service)
        wait_for("the service", lambda: service.poll() is not None or
                 self.read("log/service").count("listening on") > before)
        if service.poll() is not None:
            raise LabError("the service ended: " + self.read("log/service"))
        return service

    # --- what tests ask --------------------------------------------------------------------------

    def smtp(self, source="127.0.0.1", **options):
        return smtp_client.Smtp(self.port, source, **options)

    def read(self, path):
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def mainlog(self, queue_id=None):
        """Lines of Exim's main log, all or those of one message."""
        lines = self.read("log/mainlog").splitlines()
        return [line for line in lines if queue_id is None or queue_id in line]

    def settled(self, queue_id):
        """Waits until Exim has done with a message: delivered, or frozen on the queue."""
        def done():
            lines = self.mainlog(queue_id)
            return any(line.endswith("Completed") or " frozen by local_scan" in line
                       or " == " in line for line in lines)
        wait_for("delivery of " + queue_id, done)

    def maildirs(self):
        """Every message delivered: (place, bytes); place is "inbox acme", "quarantine acme" or
        "outbound"."""
        for kind, pattern in (("inbox ", "mail/*"), ("quarantine ", "quarantine/*"),
                              ("outbound", "outbound")):
            for folder in sorted(glob.glob(self.path(pattern))):
                for file in sorted(glob.glob(folder + "/new/*")):
                    with open(file, "rb") as message:
                        yield (kind + os.path.basename(folder) if kind != "outbound" else kind,
                               message.read())

    def where(self, queue_id):
        """Places of a message, by Exim's id in our Received field."""
        return [place for place, data in self.maildirs() if b"id " + queue_id.encode() in data]

    def message(self, queue_id, place=None):
        """The message as delivered (to `place`), as text with LF line ends."""
        for found, data in self.maildirs():
            if b"id " + queue_id.encode() in data and place in (None, found):
                return data.decode("utf-8", "surrogateescape")
        raise LabError("message %s is not in %s" % (queue_id, place or "any place"))

    def records(self, queue_id=None):
        """Lines of the decision log, parsed; those of one message."""
        found = []
        for line in self.read("decisions/decisions.jsonl").splitlines():
            record = json.loads(line)
            if queue_id is None or record.get("id") == queue_id:
                found.append(record)
        return found

    def record(self, queue_id):
        """The one record of a message; it is written after Exim's answer, so waits for it."""
        found = wait_for("record of " + queue_id, lambda: self.records(queue_id))
        if len(found) != 1:
            raise LabError("%d records of %s" % (len(found), queue_id))
        return found[0]

    def workers(self):
        """Worker processes of this lab: their ids."""
        return [pid for pid, line in descendants(os.getpid()).items()
                if line.startswith(self.program) and " worker" in line]

    def orphans(self):
        """Files of the spool's input folder (a -D without a -H is a message lost half-way)."""
        files = {os.path.basename(p) for p in glob.glob(self.path("spool/input/*"))}
        return sorted(f for f in files if f.endswith("-D") and f[:-1] + "H" not in files)
