/* SPDX-License-Identifier: MIT
 *
 * clean: what may go into Exim. The worker has cleaned its texts already; but a worker that was
 * taken over by a message must not be able to write what it likes into replies, spool files or
 * logs, so the module checks again. Also: which fields of Exim's chain were on the wire.
 */
#ifndef MOON_LOCAL_SCAN_CLEAN_H
#define MOON_LOCAL_SCAN_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/limits.h"
#include "engine/wire/wire.h"

#define MOON_CLEAN_REPLY_BYTES (MOON_REPLY_LINES_MAX * (MOON_REPLY_LINE_MAX + 1) + 1)

/* The reply's lines: printable ASCII, cut at the limits, each beginning with an enhanced status
 * code of the verdict's class (RFC 2034 section 4); a line without takes the first line's. An empty
 * reply gets a neutral one. `out` has MOON_CLEAN_REPLY_BYTES. */
void moon_clean_reply(struct moon_span reply, enum moon_wire_verdict verdict, char *out);

/* One line of printable ASCII, '?' for the rest, cut to size - 1. */
void moon_clean_line(struct moon_span text, char *out, size_t size);

/* Is it one header field that Exim's spool format bears: a name, a colon, LF only before WSP and
 * never an empty line, no other control character, within the limits? */
bool moon_clean_field_ok(struct moon_span text);

/* Leaves in fields[] (and in step in handles[]) what came over the wire, and returns how many:
 * Exim's own Received goes, and so do the copies that address rewriting made. Where a copy goes,
 * its handle and its type take the original's place: the original's text was on the wire, and the
 * copy is what would be delivered. */
uint32_t moon_clean_chain(struct moon_wire_field *fields, void **handles, uint32_t count);

/* Does this field of the chain say what only we may say (Authentication-Results, X-Moonscan-*)? */
bool moon_clean_is_claim(struct moon_span text);

#endif
