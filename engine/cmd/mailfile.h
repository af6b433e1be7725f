/* SPDX-License-Identifier: MIT
 *
 * mailfile: a message in a file, for the command line. The header is kept in memory, a large body
 * stays in the file, as it does for Exim's mail: the memory needed does not grow with the body.
 */
#ifndef MOON_CMD_MAILFILE_H
#define MOON_CMD_MAILFILE_H

#include <stdio.h>

#include "engine/message/message.h"

struct moon_mailfile {
    FILE *file;
    int64_t size_bytes;
    char *head; /* the first bytes: the whole header and more */
    size_t head_bytes;
};

/* `path` "-" is standard input. What cannot be read twice is copied to a temporary file first.
 * MOON_EIO, MOON_EBUDGET (larger than is read), MOON_ENOMEM, with the reason. Close it in any case.
 */
enum moon_status moon_mailfile_open(const char *path, struct moon_mailfile *mailfile_r,
                                    struct moon_error *error);
/* Like moon_message_parse; an mbox file's first line is none of the message's. The mailfile must
 * outlive the message. */
enum moon_status moon_mailfile_parse(const struct moon_mailfile *mailfile, struct moon_arena *arena,
                                     struct moon_message *msg, struct moon_error *error);
void moon_mailfile_close(struct moon_mailfile *mailfile);

#endif
