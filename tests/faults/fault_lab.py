# SPDX-License-Identifier: MIT
"""fault_lab: a lab for faults: three tenants whose mail is accepted, put into quarantine or refused,
a name server that can be told to behave badly, and a worker that dies where it is told to.

    alone    standard policy, takes what DNS says nothing about     acme.test
    careful  puts off what DNS says nothing about                   careful.test
    strict   refuses what fails DMARC's reject                      strict.test
"""

import mmap
import os
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../exim"))

from common import Lab, laboratory, txt, zones  # noqa: E402

from bad_names import BadRelay  # noqa: E402

PRELOAD = os.path.join(laboratory.BUILD, "tests/preload.so")
TENANTS = {"acme": ["acme.test"], "strict": ["strict.test"], "careful": ["careful.test"]}
# What the module's and the worker's deadlines are in most labs: enough for a busy machine to do
# what takes milliseconds, and few enough to be waited for.
DNS_MS, MESSAGE_S = 2000, 5


def tree_file(path):
    with open(os.path.join(laboratory.TREE, path), encoding="utf-8") as file:
        return file.read()


def files():
    return {"tenants/strict.lua": tree_file("policies/strict.lua"),
            "tenants/careful/policy.lua": tree_file("tests/policy/demo/careful/policy.lua")}


class Control:
    """What the preloaded programs share with the campaign (preload.c)."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 64)

    def die(self, step, number, times=1):
        """The next `times` processes that reach `step` get the signal `number`."""
        self.shared[8:48] = struct.pack("=ii32s", number, times, step.encode())

    def left(self):
        return struct.unpack_from("=i", self.shared, 12)[0]

    def refuse(self, call):
        """That call has no descriptors; "" ends it."""
        self.shared[48:64] = struct.pack("16s", call.encode())

    def clock(self, seconds):
        self.shared[0:8] = struct.pack("=q", seconds)


class FaultLab(Lab):
    relay_class = BadRelay

    def __init__(self, limits="", preload=False, exim_preload=False, relayed=True, environment=None,
                 config=None, more_files=None, more_tenants=None, more_zones="", **options):
        """limits: shell text in front of the workers' start ("ulimit -n 8"). preload: Exim's own
        workers run with preload.so; exim_preload: Exim does, too. relayed: DNS by way of BadRelay."""
        self.limits, self.preload, self.relayed = limits, preload, relayed
        self.exim_preload = exim_preload
        self.control = self.exim_control = None
        # What is kept of DNS would hide its faults; rows_dns.py has one row with what is shipped.
        settings = {"dns.timeout_ms": DNS_MS, "dns.cache_seconds": 0}
        settings.update(config or {})
        super().__init__(
            zones="\n".join([zones(), "$ORIGIN club.example", txt("_dmarc", "v=DMARC1; p=quarantine"),
                             more_zones]),
            tenants=dict(TENANTS, **(more_tenants or {})), config=settings,
            files=dict(files(), **(more_files or {})),
            environment=dict({"MOONSCAN_TIMEOUT": str(MESSAGE_S)}, **(environment or {})), **options)

    def start_names(self):
        super().start_names()
        if not self.relayed:
            self.dns_port = self.nsd_port

    def publish(self, settings):
        self.settings = dict(settings)  # for those who publish again
        super().publish(settings)

    def restart_names(self):
        self.relay = self.relay_class(self.dns_port, self.nsd_port)

    def configure_exim(self):
        if self.limits or self.preload:
            self.environment["MOONSCAN_PROGRAM"] = self.wrapper("worker", self.limits, self.preload)
        super().configure_exim()

    def shared_file(self, name):
        path = self.path("run/" + name)
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(bytes(4096))
            self.own(path)
        return path

    def preload_environment(self, name):
        library = self.path("bin/preload.so")
        if not os.path.exists(library):
            shutil.copy(PRELOAD, library)
            os.chmod(library, 0o755)
        return {"LD_PRELOAD": library, "MOON_FAULT_FILE": self.shared_file(name)}

    def wrapper(self, name, limits="", preload=True, program=None):
        """A program that is `moonscan` with limits, or one that dies on demand."""
        lines = ["#!/bin/sh"] + ([limits] if limits else [])
        if preload:
            lines += ["export %s='%s'" % item for item in self.preload_environment("fault").items()]
            self.control = Control(self.path("run/fault"))
        lines += ["exec '%s' \"$@\"" % (program or self.program), ""]
        path = self.write("bin/" + name, "\n".join(lines))
        os.chmod(path, 0o755)
        return path

    def as_user(self, argv, **options):
        if self.exim_preload and argv[0] == self.path("bin/exim4") and "-bdf" in argv:
            options["env"] = dict(os.environ, **self.preload_environment("exim-fault"))
            self.exim_control = Control(self.path("run/exim-fault"))
        return super().as_user(argv, **options)
