/* SPDX-License-Identifier: MIT
 *
 * setup: an engine that is ready for messages, out of a snapshot: what `worker` and `check` share.
 */
#ifndef MOON_CMD_SETUP_H
#define MOON_CMD_SETUP_H

#include "engine/verdict/scan.h"

struct moon_setup {
    struct moon_arena *arena; /* of the settings */
    struct moon_snapshot *snapshot;
    struct moon_conf conf;
    struct moon_dns_backend *dns;
    struct moon_policies *policies;
    struct moon_store *store;  /* or NULL: none is set up */
    struct moon_engine engine; /* points into the above */
};

/* Where the snapshot is when nobody says: MOONSCAN_SNAPSHOT of the environment, else the installed
 * default. */
const char *moon_setup_snapshot_path(void);
/* The path that an option named, or NULL when there was none: then the default, which may be
 * missing. MOON_ECONF when the file that was named is. */
enum moon_status moon_setup_choose(const char *named, const char **path_r,
                                   struct moon_error *error);

/* `snapshot_path` NULL: no snapshot, only what is built in. A path that does not exist is no error:
 * conf.snapshot_hash is then "built-in". `dns` may be given (a zone file); NULL: c-ares with the
 * servers of the configuration. Takes ownership of `dns` in any case. On failure nothing needs
 * freeing. */
enum moon_status moon_setup_open(const char *snapshot_path, struct moon_dns_backend *dns,
                                 struct moon_setup *setup_r, struct moon_error *error);
/* The counter store of the settings, which messages ask from now on; it waits for the first
 * question with all but opening its file. `read_only`: for messages that change nothing.
 * MOON_ENOMEM. */
enum moon_status moon_setup_store(struct moon_setup *setup, bool read_only,
                                  struct moon_error *error);
/* The one descriptor on which this process needs locks, or -1. */
int moon_setup_store_fd(const struct moon_setup *setup);
void moon_setup_close(struct moon_setup *setup);

#endif
