/* SPDX-License-Identifier: MIT
 *
 * json: writes JSON (RFC 8259) into a moon_str. Commas and nesting are kept by the writer; every
 * string is escaped, and bytes that are not valid UTF-8 become U+FFFD, so the output is always
 * valid, whatever a stranger put into it.
 */
#ifndef MOON_BASE_JSON_H
#define MOON_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"

#define MOON_JSON_DEPTH_MAX 16 /* our own nesting; deeper is a bug of ours */

struct moon_json {
    struct moon_str str;
    unsigned depth;
    bool comma[MOON_JSON_DEPTH_MAX];
};

void moon_json_begin(struct moon_json *json, struct moon_arena *arena);
/* The text, or NULL when memory ran out. */
char *moon_json_end(struct moon_json *json);

/* `key` is NULL inside an array and for the outermost value. */
void moon_json_object(struct moon_json *json, const char *key);
void moon_json_array(struct moon_json *json, const char *key);
void moon_json_close(struct moon_json *json, char bracket);                        /* '}' or ']' */
void moon_json_string(struct moon_json *json, const char *key, const char *value); /* NULL: null */
void moon_json_span(struct moon_json *json, const char *key, struct moon_span value);
void moon_json_int(struct moon_json *json, const char *key, int64_t value);
void moon_json_bool(struct moon_json *json, const char *key, bool value);

#endif
