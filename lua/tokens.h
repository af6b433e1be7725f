/* SPDX-License-Identifier: MIT
 *
 * tokens: a Lua source as names, texts and signs, comments left out: for whoever wants to know at
 * which line something stands. It never judges the source; Lua's compiler does.
 */
#ifndef MOON_LUA_TOKENS_H
#define MOON_LUA_TOKENS_H

#include "engine/base/buf.h"

/* A single sign is its own kind. */
enum {
    MOON_TOKEN_END = 0,
    MOON_TOKEN_NAME = 'n', /* keywords, too */
    MOON_TOKEN_TEXT = 's',
    MOON_TOKEN_NUMBER = 'd',
    MOON_TOKEN_EQUAL = 'E',   /* == */
    MOON_TOKEN_UNEQUAL = 'U', /* ~= */
    MOON_TOKEN_CONCAT = 'C',  /* .. */
    MOON_TOKEN_DOTS = 'D',    /* ... */
    MOON_TOKEN_LABEL = 'L',   /* :: */
    MOON_TOKEN_ORDER = 'O',   /* <= >= */
    MOON_TOKEN_DOUBLE = 'S',  /* << >> and the division that rounds */
};

struct moon_tokens {
    struct moon_buf buf;
    int line;
};

struct moon_token {
    char kind;             /* of the list above, or the sign; MOON_TOKEN_END from the end on */
    struct moon_span text; /* of a text: what stands between the quotes, escapes still in it */
    int line;
};

struct moon_tokens moon_tokens_of(struct moon_span source);
struct moon_token moon_tokens_next(struct moon_tokens *tokens);

#endif
