/* SPDX-License-Identifier: MIT
 *
 * arena_case: nothing of one case is left for the next.
 */
#include "tests/support/arena_case.h"

#include "engine/base/limits.h"

struct moon_arena *arena;

int arena_begin(void **state)
{
    (void)state; /* cmocka's, not used */
    arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    return arena ? 0 : -1;
}

int arena_end(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_arena_destroy(&arena);
    return 0;
}
