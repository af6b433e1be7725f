/* SPDX-License-Identifier: MIT
 *
 * json_read: reads JSON (RFC 8259) token by token, without memory of its own. Strict: what is no
 * JSON is told at the token where that shows, and nothing comes behind it. For records that this
 * program wrote, which a full disk may have torn and anybody may have edited.
 */
#ifndef MOON_BASE_JSON_READ_H
#define MOON_BASE_JSON_READ_H

#include "engine/base/json.h"

enum moon_json_kind {
    MOON_JSON_BAD,   /* no JSON, or deeper than MOON_JSON_DEPTH_MAX; every later token too */
    MOON_JSON_END,   /* behind the outermost value; every later token too */
    MOON_JSON_OPEN,  /* an object or array begins */
    MOON_JSON_CLOSE, /* the innermost one ends */
    MOON_JSON_STRING,
    MOON_JSON_NUMBER,
    MOON_JSON_TRUE,
    MOON_JSON_FALSE,
    MOON_JSON_NULL,
};

struct moon_json_token {
    enum moon_json_kind kind;
    bool object;           /* of OPEN and CLOSE: an object, no array */
    struct moon_span key;  /* of a member of an object: as written between its quotes */
    struct moon_span text; /* of a string as written between its quotes; of a number */
};

struct moon_json_reader {
    struct moon_buf buf;
    unsigned depth;                   /* open objects and arrays */
    bool object[MOON_JSON_DEPTH_MAX]; /* of each: is it an object? */
    bool filled[MOON_JSON_DEPTH_MAX]; /* has it an item? */
    bool begun, bad;
};

struct moon_json_reader moon_json_read(struct moon_span text);
struct moon_json_token moon_json_next(struct moon_json_reader *reader);
/* The string without its escapes, in UTF-8; cut to what fits, not within a character; a lone
 * surrogate is U+FFFD. `out` is terminated; size is at least 1. A NUL becomes U+FFFD. */
void moon_json_text(struct moon_span text, char *out, size_t size);

#endif
