/* SPDX-License-Identifier: MIT
 *
 * confine: what a worker may still do once it has its settings: read, write, talk to DNS, append to
 * its log. Whoever breaks into a parser finds no exec, no fork, no ptrace, no new privileges.
 */
#ifndef MOON_CMD_CONFINE_H
#define MOON_CMD_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/conf.h"
#include "engine/base/status.h"

/* Step 1, first thing in a worker: closes every descriptor above `keep_fd`, sets umask, resource
 * limits, no_new_privs, and SIGTERM at the parent's death. `room` bytes of memory may be used
 * beyond what a worker needs. */
enum moon_status moon_confine_start(int keep_fd, size_t room, struct moon_error *error);
/* Step 2: files and connections (landlock, as far as the kernel has it). From now on no file can be
 * opened but in the folders of the log at `log_path` and of the counter store, where none can be
 * removed; and resolv.conf as it is now. TCP leads to the ports of DNS and of the store only.
 * Nothing happens where the kernel has no landlock; MOON_EIO when it refuses what it should have:
 * the caller says so and goes on. */
enum moon_status moon_confine_files(const struct moon_conf *conf, const char *log_path,
                                    struct moon_error *error);
/* Step 3, before the first byte of a stranger's: the seccomp filter. Unknown calls fail with EPERM.
 * `accepts`: it may wait for connections and take them. `store_fd`: the counter store's file, the
 * only one that can be locked, which cannot be closed any more; -1: none, and no file can be
 * locked. MOON_EIO where the kernel has no seccomp: the caller says so and goes on. */
enum moon_status moon_confine_filter(bool accepts, int store_fd, struct moon_error *error);

#endif
