# SPDX-License-Identifier: MIT
"""smtp: a raw SMTP client for tests. It sends exactly the bytes that it is given and returns every
reply line, and it speaks from a chosen source address (127.0.x.y is loopback as a whole)."""

import socket


class Reply:
    """One answer of the server: `code`, and `lines` as they came, without their line ends."""

    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3]) if lines and lines[-1][:3].isdigit() else 0

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def queue_id(self):
        """Exim's id of the message it has taken, or None."""
        line = self.lines[-1] if self.lines else ""
        return line.split("id=", 1)[1].split()[0] if "id=" in line else None

    def __repr__(self):
        return repr(self.lines)


class Closed(Exception):
    """The server closed the connection; `lines` is what came of an answer before."""

    def __init__(self, lines):
        super().__init__("connection closed after %r" % (lines,))
        self.lines = lines


def dotted(message):
    """The bytes of DATA: CRLF line ends are the caller's; dots are stuffed, the end dot added."""
    lines = message.split(b"\r\n")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def crlf(text):
    """Text of a test (LF line ends) to bytes as they go over the wire."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Smtp:
    def __init__(self, port, source="127.0.0.1", host="127.0.0.1", helo="client.example",
                 timeout=60):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(timeout)
            if family == socket.AF_INET:
                self.socket.bind((source, 0))
            self.socket.connect((host, port))
            self.pending = b""
            self.banner = self.read_reply()
            self.hello = self.command("EHLO " + helo) if helo else None
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def read_line(self, lines):
        while b"\n" not in self.pending:
            try:
                part = self.socket.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                raise Closed(lines)
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def read_reply(self):
        lines = []
        while True:
            line = self.read_line(lines)
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return Reply(lines)

    def command(self, line):
        self.send_raw((line.encode("latin-1") if isinstance(line, str) else line) + b"\r\n")
        return self.read_reply()

    def envelope(self, sender, recipients, options=""):
        """MAIL and RCPT; returns the first reply that is no 2xx, or None."""
        reply = self.command("MAIL FROM:<%s>%s" % (sender, options))
        if reply.code != 250:
            return reply
        for recipient in recipients:
            reply = self.command("RCPT TO:<%s>" % recipient)
            if reply.code not in (250, 251):
                return reply
        return None

    def data_start(self, message):
        """DATA and the whole message; the answer is read by read_reply."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        self.send_raw(dotted(message))
        return None

    def message(self, sender, recipients, message, options=""):
        """A whole message by DATA; `message` is bytes with CRLF. Returns the last reply."""
        return (self.envelope(sender, recipients, options) or self.data_start(message)
                or self.read_reply())

    def message_bdat(self, sender, recipients, chunks, options=""):
        """A whole message by BDAT, a chunk each."""
        refused = self.envelope(sender, recipients, options)
        if refused:
            return refused
        reply = None
        for i, chunk in enumerate(chunks):
            last = " LAST" if i == len(chunks) - 1 else ""
            self.send_raw(b"BDAT %d%s\r\n" % (len(chunk), last.encode()) + chunk)
            reply = self.read_reply()
            if reply.code != 250:
                return reply
        return reply

    def quit(self):
        """QUIT, and waits until the server has closed, so that its process is at its end."""
        try:
            reply = self.command("QUIT")
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(4096):
                pass
            return reply
        except (Closed, OSError):
            return None
        finally:
            self.close()
