# SPDX-License-Identifier: MIT
"""reach: which functions of the engine a test enters, for mutate.py.

The compiler calls a function of ours where one of the mutated rooms begins. It notes the place in
a file that is mapped into memory, so that a program that is killed has told it as well.
"""

import os
import subprocess

RECORDER = r"""
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char __ehdr_start __attribute__((visibility("hidden")));
static unsigned char *marks;

__attribute__((constructor, no_instrument_function)) static void begin(void)
{
    int fd = open(MARKS, O_RDWR | O_CLOEXEC);
    void *at = mmap(NULL, MARKS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    marks = at == MAP_FAILED ? NULL : at;
    (void)close(fd);
}

__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *function, void *caller)
{
    size_t offset = (size_t)((const char *)function - &__ehdr_start);
    (void)caller;
    if (marks && offset < MARKS_BYTES)
        marks[offset] = 1;
}

__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function, (void)caller;
}
"""
MARKS_BYTES = 16 << 20
INSTRUMENT = ["-finstrument-functions"]


class Reach:
    """A library of the unchanged engine in a folder of its own, which notes what is entered."""

    def __init__(self, folder):
        self.folder, self.marks = folder, os.path.abspath(folder) + "/marks"
        self.functions = {}  # offset in the library -> name

    def recorder(self):
        """The source of the recorder; its file is empty and anybody may write it."""
        os.makedirs(self.folder, exist_ok=True)
        path = self.folder + "/recorder.c"
        with open(path, "w", encoding="ascii") as stream:
            stream.write('#define MARKS "%s"\n#define MARKS_BYTES %du\n%s'
                         % (self.marks, MARKS_BYTES, RECORDER))
        self.forget()
        return path

    def forget(self):
        if not os.path.exists(self.marks):
            os.close(os.open(self.marks, os.O_CREAT | os.O_WRONLY))
            os.chmod(self.marks, 0o666)
        os.truncate(self.marks, 0)
        os.truncate(self.marks, MARKS_BYTES)

    def entered(self):
        """The names of the functions that were entered since forget()."""
        if not self.functions:
            self.functions = functions_of(self.folder + "/libmoon.so")
        with open(self.marks, "rb") as stream:
            marks = stream.read()
        return {name for offset, name in self.functions.items() if marks[offset]}


def functions_of(library):
    """Offset -> name."""
    done = subprocess.run(["nm", "--defined-only", library], stdout=subprocess.PIPE, check=True)
    lines = [line.split() for line in done.stdout.decode("ascii").splitlines()]
    return {int(line[0], 16): line[2] for line in lines if line[1] in "tT"}
