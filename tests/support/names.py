# SPDX-License-Identifier: MIT
"""names: the lab's name servers. NSD answers from a zone text; a small relay stands in front of it,
because no real server can be told to stay silent about a single name or to answer late."""

import os
import select
import socket
import threading
import time

NSD_CONFIG = """server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
{ipv6}    username: ""
    chroot: ""
    database: ""
    pidfile: "{stage}/run/nsd.pid"
    zonelistfile: "{stage}/run/nsd.zones"
    xfrdfile: "{stage}/run/nsd.xfrd"
    zonesdir: "{stage}/zones"
    logfile: "{stage}/log/nsd.log"
    verbosity: 1
remote-control:
    control-enable: no
"""
ZONE_CONFIG = """zone:
    name: "{name}"
    zonefile: "{file}"
"""
ZONE_HEAD = "$TTL 60\n@ SOA ns.lab.test. hostmaster.lab.test. 1 3600 600 86400 60\n@ NS ns.lab.test.\n"


def write_nsd(stage, port, zones, ipv6):
    """NSD's configuration and zone files. `zones`: domain -> records, relative to it. A root zone
    without names makes every other name a non-existent one."""
    with open(stage + "/nsd.conf", "w", encoding="ascii") as conf:
        conf.write(NSD_CONFIG.format(stage=stage, port=port,
                                     ipv6="    ip-address: ::1@%d\n" % port if ipv6 else ""))
        for i, (domain, records) in enumerate([(".", "")] + sorted(zones.items())):
            conf.write(ZONE_CONFIG.format(name=domain, file="zone%d" % i))
            with open("%s/zones/zone%d" % (stage, i), "w", encoding="ascii") as file:
                file.write("$ORIGIN %s.\n" % domain.rstrip(".") + ZONE_HEAD + records + "\n")


def zones_of(text):
    """A zone text into zones: a line that begins with $ORIGIN starts one; others belong to it."""
    zones = {}
    domain = None
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "$ORIGIN":
            domain = words[1].rstrip(".")
            zones.setdefault(domain, "")
        elif words and not line.startswith(";"):
            if domain is None:
                raise ValueError("zone text must begin with $ORIGIN")
            zones[domain] += line + "\n"
    return zones


def txt(name, text):
    """A TXT record; a long text in several character-strings."""
    parts = [text[i:i + 200] for i in range(0, len(text), 200)]
    quoted = " ".join('"%s"' % p.replace("\\", "\\\\").replace('"', '\\"') for p in parts)
    return "%s TXT %s\n" % (name, quoted)


def question_name(packet):
    """The name asked for in a DNS packet, in lower case without a final dot."""
    labels = []
    at = 12
    while at < len(packet) and packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(labels)


class Relay(threading.Thread):
    """UDP and TCP on 127.0.0.1:port, handed on to NSD. Names in `silent` (and below one that
    begins with a dot) get no answer; all others are answered after `delay_s`."""

    def __init__(self, port, server_port):
        super().__init__(daemon=True)
        self.server = ("127.0.0.1", server_port)
        self.silent = set()
        self.delay_s = 0.0
        self.asked = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", port))
        self.tcp.listen(16)
        self.wake_read, self.wake_write = os.pipe()
        self.start()

    def swallows(self, packet):
        name = question_name(packet)
        self.asked.append(name)
        return any(name == s or (s.startswith(".") and name.endswith(s)) for s in self.silent)

    def run(self):
        while True:
            ready, _, _ = select.select([self.udp, self.tcp, self.wake_read], [], [])
            if self.wake_read in ready:
                return
            if self.udp in ready:
                packet, client = self.udp.recvfrom(65536)
                if not self.swallows(packet):
                    threading.Thread(target=self.answer_udp, args=(packet, client),
                                     daemon=True).start()
            if self.tcp in ready:
                stream, _ = self.tcp.accept()
                threading.Thread(target=self.answer_tcp, args=(stream,), daemon=True).start()

    def answer_udp(self, packet, client):
        time.sleep(self.delay_s)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
            up.settimeout(5)
            up.sendto(packet, self.server)
            try:
                self.udp.sendto(up.recv(65536), client)
            except OSError:
                pass  # the server or the relay is being stopped

    def answer_tcp(self, stream):
        """Queries of one connection, one after the other."""
        with stream, socket.create_connection(self.server, 5) as up:
            stream.settimeout(10)
            try:
                while True:
                    packet = self.read_frame(stream)
                    if packet is None or self.swallows(packet):
                        return
                    time.sleep(self.delay_s)
                    up.sendall(len(packet).to_bytes(2, "big") + packet)
                    answer = self.read_frame(up)
                    if answer is None:
                        return
                    stream.sendall(len(answer).to_bytes(2, "big") + answer)
            except OSError:
                pass

    @staticmethod
    def read_frame(stream):
        head = stream.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            return None
        return stream.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)

    def wait_asked(self, name, timeout_s=15):
        """Waits until somebody has asked for `name`."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if name in self.asked:
                return True
            time.sleep(0.01)
        return False

    def stop(self):
        os.write(self.wake_write, b"x")
        self.join()
        self.udp.close()
        self.tcp.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
