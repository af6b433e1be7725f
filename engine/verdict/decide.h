/* SPDX-License-Identifier: MIT
 *
 * decide: from merged verdicts to what Exim is told: reply, added and removed fields, recipients,
 * $local_scan_data and the log line. Everything that leaves here is safe to hand to Exim whatever a
 * stranger or a policy put in: printable ASCII, bounded lines, no way to end a field early.
 */
#ifndef MOON_VERDICT_DECIDE_H
#define MOON_VERDICT_DECIDE_H

#include "engine/verdict/scan.h"

/* The field that tells a filter of a quarantine, and one that tells of a policy that failed.
 * Whatever comes in under a name with this prefix is a forgery and is removed. */
#define MOON_FIELD_PREFIX "X-Moonscan-"

/* Fills action (merge), reply, data, log, added, removed_fields, removed_recipients of an outcome
 * whose results and tenant verdicts are there. MOON_ENOMEM. */
enum moon_status moon_decide(const struct moon_engine *engine, struct moon_arena *arena,
                             const struct moon_message *msg, struct moon_outcome *outcome);

/* Text for an SMTP reply: at most MOON_REPLY_LINES_MAX lines of MOON_REPLY_LINE_MAX, printable
 * ASCII, each starting with `esc`. NULL without memory. */
char *moon_reply_text(struct moon_arena *arena, const char *esc, const char *text);
/* A field that cannot harm Exim's spool: one colon after a name, folds as LF WSP, no CR, no NUL, no
 * empty line, lines of at most MOON_FIELD_LINE_MAX, at most MOON_FIELD_BYTES_MAX in all. *text_r is
 * NULL when it is no field. */
enum moon_status moon_field_sanitize(struct moon_arena *arena, const char *field,
                                     const char **text_r);

#endif
