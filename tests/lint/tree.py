# SPDX-License-Identifier: MIT
"""tree: the files that lint looks at, and C sources without comments and strings."""

import os
import re
import subprocess

# Data that is replayed or loaded as it is: no house rule applies to its text.
DATA = ("tests/fuzz/corpus/",)


class Tree:
    def __init__(self, root, build):
        self.root = root
        self.build = os.path.join(root, build)
        self.files = self._list()
        self._texts = {}

    def _list(self):
        """What git tracks; without git (a release archive) every file but the build's."""
        try:
            out = subprocess.run(["git", "-C", self.root, "ls-files", "-z"], check=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            names = [n for n in out.decode().split("\0") if n]
        except (OSError, subprocess.CalledProcessError):
            names = []
            for folder, below, files in os.walk(self.root):
                below[:] = [b for b in below if b not in ("build", ".git", "__pycache__")]
                names += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        return sorted(n for n in names if os.path.isfile(os.path.join(self.root, n)))

    def named(self, *endings, data=False):
        return [f for f in self.files if f.endswith(endings) and (data or not f.startswith(DATA))]

    def text(self, name):
        if name not in self._texts:
            with open(os.path.join(self.root, name), "rb") as file:
                self._texts[name] = file.read().decode("utf-8", "replace")
        return self._texts[name]

    def lines(self, name):
        return self.text(name).split("\n")


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text):
    """C without comments and string contents; line numbers stay."""
    def blank(match):
        found = match.group(0)
        return ('""' if found[0] == '"' else " ") + "\n" * found.count("\n")
    lines = []
    for line in TOKEN.sub(blank, text).split("\n"):
        lines.append(line)
    return "\n".join(lines)
