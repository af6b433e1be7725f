/* SPDX-License-Identifier: MIT
 *
 * acl: what the DATA ACL can ask about the message in hand, a word at a time.
 */
#ifndef MOON_LOCAL_SCAN_ACL_H
#define MOON_LOCAL_SCAN_ACL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/limits.h"
#include "local_scan/ask.h"

/* Authentication-Results is the longest. */
#define MOON_ACL_VALUE_BYTES (MOON_FIELD_BYTES_MAX + 1)

/* The number of a word by its name. False: `why` names the right one, for the expansion's error. */
bool moon_acl_find(const char *name, unsigned *word_r, char *why, size_t why_size);

/* What a word says of an answer; NULL: the message is not looked at, and accepted. Printable ASCII;
 * LF between the lines of a reply, and nowhere else. */
void moon_acl_value(const struct moon_answer *answer, unsigned word,
                    char value_r[MOON_ACL_VALUE_BYTES]);

#endif
