/* SPDX-License-Identifier: MIT
 *
 * tags: the tag-list syntax of DKIM (RFC 6376 section 3.2), also used by ARC and key records.
 */
#ifndef MOON_MESSAGE_TAGS_H
#define MOON_MESSAGE_TAGS_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

struct moon_tag {
    struct moon_span name;  /* as written: names are case-sensitive */
    struct moon_span value; /* FWS at both ends removed, folds inside kept */
};

struct moon_tags {
    struct moon_tag *items;
    size_t count;
};

/* Strict: duplicate names, empty specs between semicolons, a spec without '=', bytes outside the
 * grammar (UTF-8 of RFC 8616 is allowed in values) make the list invalid: *reason_r is set to a
 * constant text and the count is 0. A final semicolon is fine. Returns MOON_OK also for an invalid
 * list (that is a result), MOON_ENOMEM otherwise. `text` must outlive the list. */
enum moon_status moon_tags_parse(struct moon_arena *arena, struct moon_span text,
                                 struct moon_tags *tags_r, const char **reason_r);

/* NULL when there is no such tag. */
const struct moon_tag *moon_tags_find(const struct moon_tags *tags, const char *name);

#endif
