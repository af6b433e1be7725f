/* SPDX-License-Identifier: MIT
 *
 * tokens: a Lua source as names, texts and signs, comments left out: for whoever wants to know at
 * which line something stands. It never judges the source; Lua's compiler does.
 */
#ifndef MOON_LUA_TOKENS_H
#define MOON_LUA_TOKENS_H

#include "engine/base/buf.h"

struct moon_tokens {
    struct moon_buf buf;
    int line;
};

struct moon_token {
    char kind;             /* 'n' name or number, 's' text, or the sign; 0 at the end */
    struct moon_span text; /* of a text: what stands between the quotes, escapes still in it */
    int line;
};

struct moon_tokens moon_tokens_of(struct moon_span source);
struct moon_token moon_tokens_next(struct moon_tokens *tokens);

#endif
