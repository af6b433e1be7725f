/* SPDX-License-Identifier: MIT
 *
 * exim: Exim's header, and what the files that know Exim share. exim.c has the entries, and says in
 * which order things happen; exim_read.c reads Exim's variables, exim_apply.c changes them.
 *
 * Exim's headers define CS, US, TRUE, BOOL and more: the system's stand before them.
 */
#ifndef MOON_LOCAL_SCAN_EXIM_H
#define MOON_LOCAL_SCAN_EXIM_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "local_scan/ask.h"

#ifndef LOCAL_SCAN
#define LOCAL_SCAN
#endif
#include "local_scan.h"

/* One message, read. */
struct moon_exim {
    struct moon_request request; /* its texts are Exim's own and live as long as the message */
    void **fields;               /* header_line *, in step with request.fields */
    int body_fd;                 /* -1, or the spool file, opened by us, read-only */
};

/* --- exim_read.c */

/* Is the client one whose mail is not looked at: this host, or one of moonscan_skip_hosts? There
 * must be a client. */
bool moon_exim_skips_host(const struct moon_settings *settings);
/* Exim's own descriptor of the message's spool file, in an ACL, where nobody hands it to us; -1.
 * *start_r: where the body begins. */
int moon_exim_spool(off_t *start_r);
/* Fills in what is read now; false: `why` says what cannot be handed over. body_fd is opened from
 * `spool_fd`. Both are undone by moon_exim_free, but for body_fd, which is the caller's to close
 * when Exim has let go of the file: closing any descriptor of it would drop Exim's lock. */
bool moon_exim_read(struct moon_exim *message_r, int spool_fd, off_t start, const char **why);
void moon_exim_free(struct moon_exim *message);

/* --- exim_apply.c */

/* One line for Exim's main log. */
void moon_exim_say(const char *line);
/* The decision's fields, or the failure verdict's, into Exim's chain, and what was done into
 * *applied. A message that is not taken is left alone. The chain is still as it was read. */
void moon_exim_apply_fields(const struct moon_exim *message, const struct moon_answer *answer,
                            struct moon_applied *applied);
/* Likewise the recipients. An ACL may have removed some since they were read. Called once: it needs
 * the request no longer. */
void moon_exim_apply_recipients(struct moon_exim *message, const struct moon_answer *answer,
                                struct moon_applied *applied);

#endif
