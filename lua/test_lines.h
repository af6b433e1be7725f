/* SPDX-License-Identifier: MIT
 *
 * test_lines: at which lines of a policy its tests and their keys stand, because Lua forgets it; as
 * well as the tokens tell it. Internal to this room.
 */
#ifndef MOON_LUA_TEST_LINES_H
#define MOON_LUA_TEST_LINES_H

#include "engine/base/arena.h"

/* The short texts of a source that may be names of tests: `name = "text"`, or an argument of a
 * function that makes tests. */
struct moon_test_names {
    struct moon_test_name {
        struct moon_span text;
        int line;
        unsigned char weight; /* how much it looks like a test's name */
        bool found;           /* it has been told once */
    } * name;
    size_t count;
};

/* False without memory. */
bool moon_test_names_read(struct moon_arena *arena, struct moon_span source,
                          struct moon_test_names *names_r);
/* The line of that name: of several that look alike the first, and the next one when it is asked
 * again. `otherwise` when it is not written down (a loop made it). */
int moon_test_names_line(struct moon_test_names *names, const char *text, int otherwise);
/* Where `tests = {` or `function policy.tests()` stands; 1 when it does not. */
int moon_test_list_line(struct moon_span source);
/* The first line from `after` on where `word` stands as a key; `after` when it does not. */
int moon_test_key_line(struct moon_span source, const char *word, int after);

#endif
