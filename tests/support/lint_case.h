/* SPDX-License-Identifier: MIT
 *
 * lint_case: a policy's source and what lint finds in it, for unit tests.
 */
#ifndef MOON_TESTS_LINT_CASE_H
#define MOON_TESTS_LINT_CASE_H

#include "lua/lint.h"

#define HEAD "local moon <const> = require 'moonscan'\nlocal policy = {}\n"
#define TAIL "\nreturn policy\n"
#define BODY HEAD "function policy.message(m)\n"
#define END  "\nend" TAIL

extern struct moon_lint *lint; /* of the group */

/* cmocka's, of a group. */
int lint_begin(void **state);
int lint_end(void **state);

/* Fails the test when Lua does not take its source. */
void must_compile(const char *source);
/* What is found, one finding a line; valid until the next call. */
const char *found_in(const char *source);
/* Exactly this one finding; "" none. */
void expect(const char *head, const char *body, const char *tail, const char *want);

#endif
