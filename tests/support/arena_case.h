/* SPDX-License-Identifier: MIT
 *
 * arena_case: an arena for each case of a unit test, as cmocka's setup and teardown.
 */
#ifndef MOON_TESTS_ARENA_CASE_H
#define MOON_TESTS_ARENA_CASE_H

#include "engine/base/arena.h"

extern struct moon_arena *arena; /* of the case that runs; MOON_ARENA_BYTES_MAX at most */

int arena_begin(void **state);
int arena_end(void **state);

#endif
