/* SPDX-License-Identifier: MIT
 *
 * confined: runs a part of the command line that executes other people's policies in a child that
 * can do nothing but compute and write to one pipe: as nobody when root calls, without any
 * descriptor to open, behind the worker's seccomp filter, for a bounded time.
 */
#ifndef MOON_CMD_CONFINED_H
#define MOON_CMD_CONFINED_H

#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/status.h"

struct moon_confined {
    /* In the child. Everything it needs is in memory; its return value must be below 64. */
    int (*body)(void *context, FILE *out);
    /* In the parent: what the child wrote, as it comes. */
    void (*take)(void *context, struct moon_span bytes);
    void *context;
    int64_t ms;         /* after which it is killed */
    size_t output_max;  /* bytes; a child that writes more is killed */
    size_t memory_room; /* bytes of memory beyond those of a worker, for what the caller holds */
};

/* *code_r: what the body returned. MOON_EIO: the child could not be confined, or died;
 * MOON_EBUDGET: time or output; with the reason. */
enum moon_status moon_confined_run(const struct moon_confined *confined, int *code_r,
                                   struct moon_error *error);

#endif
