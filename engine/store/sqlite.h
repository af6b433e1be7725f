/* SPDX-License-Identifier: MIT
 *
 * sqlite: the store in a file of this host, for one Exim host.
 */
#ifndef MOON_STORE_SQLITE_H
#define MOON_STORE_SQLITE_H

#include "engine/store/store.h"

/* Opens (or makes, mode 0660) the file and nothing more: what SQLite does to it waits for the first
 * question. A file that cannot be opened is no error here: questions have no answer then.
 * `timeout_ms` bounds how long one question waits for another process. `read_only` makes no file;
 * questions must pretend then. One such store a process. MOON_ENOMEM. */
enum moon_status moon_store_sqlite(const char *path, int64_t timeout_ms, bool read_only,
                                   struct moon_store **store_r, struct moon_error *error);
/* The descriptor of the file, on which alone this process needs locks, and which it never closes
 * while the store is there; -1: none. It is not below MOON_STORE_FD. */
int moon_store_sqlite_fd(const struct moon_store *store);

#endif
