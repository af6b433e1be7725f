/* SPDX-License-Identifier: MIT
 *
 * pattern: the matcher of Lua's patterns, step-counted. Internal to this room.
 */
#ifndef MOON_LUA_PATTERN_H
#define MOON_LUA_PATTERN_H

#include "lua/sandbox.h"

#define MOON_PATTERN_CAPTURES_MAX 32u

#define MOON_PATTERN_OPEN     (-1) /* a capture not yet closed */
#define MOON_PATTERN_POSITION (-2)

struct moon_pattern {
    lua_State *L;
    const char *begin, *end; /* the subject */
    const char *pattern_end;
    unsigned depth, steps, level; /* level: captures so far */
    struct {
        const char *start;
        ptrdiff_t length; /* or one of the two words above */
    } captures[MOON_PATTERN_CAPTURES_MAX];
};

/* One attempt to match at s with the pattern from p on: behind the match, or NULL. Charges its
 * steps and may raise. */
const char *moon_pattern_attempt(struct moon_pattern *m, const char *s, const char *p);

#endif
