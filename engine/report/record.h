/* SPDX-License-Identifier: MIT
 *
 * record: the decision log. One JSON object a line for every message that was decided, written when
 * Exim has said what it did. docs/decision-log.md is the schema; the format is frozen: members are
 * added, never changed.
 */
#ifndef MOON_REPORT_RECORD_H
#define MOON_REPORT_RECORD_H

#include "engine/verdict/scan.h"

/* What Exim did with the decision. */
struct moon_record_applied {
    enum moon_action action; /* 0: Exim never said (it went away) */
    bool refused; /* the DATA ACL asked, and the message was not taken there; action is 0 then */
    unsigned added, removed_fields, discarded_recipients;
    struct moon_span difference; /* from the decision, or empty */
};

/* The line, without its newline, at most MOON_RECORD_BYTES_MAX - 1 bytes: a longer one is written
 * again without evidence, then without verdicts. NULL without memory. */
char *moon_record_line(struct moon_arena *arena, const struct moon_conf *conf,
                       const struct moon_message *msg, const struct moon_outcome *outcome,
                       const struct moon_record_applied *applied);

/* Appends the line with one write(2). The file is opened for this call and closed, so that rotation
 * needs no signal; it is created with mode 0640. Behind a line that a full disk tore earlier it is
 * written twice, the first time as that line's end. MOON_EIO with the reason. */
enum moon_status moon_record_append(const char *path, const char *line, struct moon_error *error);
/* Can the file be opened for writing? It is created. MOON_EIO with the reason. */
enum moon_status moon_record_try(const char *path, struct moon_error *error);

#endif
