/* SPDX-License-Identifier: MIT
 *
 * quarantine_store: the Maildirs of the quarantine, one for each tenant. Nothing is reached by a
 * path that a name could bend: folders and files are opened one below the other, never through a
 * link, and a name is only ever compared with those that are there.
 */
#ifndef MOON_CMD_QUARANTINE_STORE_H
#define MOON_CMD_QUARANTINE_STORE_H

#include <stdint.h>

#include "engine/cmd/quarantine_mail.h"

#define MOON_QUARANTINE_DIR      "/var/spool/moonscan/quarantine"
#define MOON_QUARANTINE_LIST_MAX 100000u /* messages that one command works on */

struct moon_quarantine_entry {
    const char *tenant, *folder, *file; /* folder: "new" or "cur" */
    int64_t time_s, size_bytes;         /* when it came here */
    const char *id;                     /* Exim's, or else the file's name */
    const char *from, *subject, *why, *sender;
    const char *to; /* the first recipient, or "" */
    size_t recipient_count;
    const char *refused; /* why it cannot be released, or NULL */
};

/* Which messages; NULL: any. */
struct moon_quarantine_filter {
    const char *dir, *tenant;
    const char *id;   /* Exim's id or the name of the file (without ":2,...") */
    int64_t before_s; /* that came before; 0: any */
};

/* In order of time. Files that go away meanwhile are left out; what cannot be read is told on
 * standard error and counted. */
enum moon_status moon_quarantine_list(struct moon_arena *arena,
                                      const struct moon_quarantine_filter *filter,
                                      struct moon_quarantine_entry **entries_r, size_t *count_r,
                                      size_t *unread_r, struct moon_error *error);

/* An open and locked message. */
struct moon_quarantine_file {
    int folder_fd, fd;
    char *head; /* on the heap */
    size_t head_bytes;
    int64_t size_bytes;
};
/* Closed by moon_quarantine_file_close in any case. MOON_EIO: not there any more, or another
 * command works on it. */
enum moon_status moon_quarantine_file_open(const char *dir,
                                           const struct moon_quarantine_entry *entry,
                                           struct moon_quarantine_file *file_r,
                                           struct moon_error *error);
enum moon_status moon_quarantine_file_remove(const struct moon_quarantine_file *file,
                                             const struct moon_quarantine_entry *entry,
                                             struct moon_error *error);
void moon_quarantine_file_close(struct moon_quarantine_file *file);

#endif
