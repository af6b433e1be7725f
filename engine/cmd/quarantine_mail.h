/* SPDX-License-Identifier: MIT
 *
 * quarantine_mail: a message as the quarantine transport has stored it: the fields that Exim wrote
 * around it, and what of it is handed to Exim when it is released.
 */
#ifndef MOON_CMD_QUARANTINE_MAIL_H
#define MOON_CMD_QUARANTINE_MAIL_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

#define MOON_QUARANTINE_HEAD_MAX (5u * 1024 * 1024) /* the header of a file, Exim's fields too */
#define MOON_QUARANTINE_RCPT_MAX 1000u              /* the transport writes 100 at most */
#define MOON_QUARANTINE_CUT_MAX  4u

struct moon_quarantine_mail {
    const char *id;     /* Exim's, when the message came; NULL: not known */
    const char *why;    /* the results in a word each, or "" */
    const char *sender; /* "" for the null sender; NULL: see `refused` */
    const char **recipients;
    size_t recipient_count;
    const char *refused; /* why it cannot be released, or NULL */
    /* As in the message, on one line; "" when there is none. Hostile bytes included. */
    const char *from, *subject;
    struct moon_span header; /* all of the file up to the empty line */
    size_t body_at;          /* offset in the file behind that line; `head.n`: no body */
    /* Parts of the header that Exim added for the quarantine: in order, apart. */
    struct moon_span cut[MOON_QUARANTINE_CUT_MAX];
    size_t cut_count;
};

/* `head`: the first bytes of the file, at least the header with the empty line behind it (or all of
 * the file). MOON_ENOMEM is the only failure; a file that is nothing of ours has `refused`. */
enum moon_status moon_quarantine_mail_read(struct moon_arena *arena, struct moon_span head,
                                           struct moon_quarantine_mail *mail_r);

/* An address that may be an argument of Exim's: one mailbox, no option, no list. */
bool moon_quarantine_is_address(struct moon_span address);
/* Can it be an id of Exim's, or the name of a file in a Maildir? No '/', no leading '.'. */
bool moon_quarantine_is_name(struct moon_span name);

#endif
