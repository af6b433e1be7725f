/* SPDX-License-Identifier: MIT
 *
 * questions: what the functions that ask have in common. Internal to questions.c and
 * question_dns.c. All may raise.
 */
#ifndef MOON_LUA_QUESTIONS_H
#define MOON_LUA_QUESTIONS_H

#include "lua/facts.h"

/* The table of named fields at index 1, without metatable, and nothing else in it. `like` shows how
 * it is written: "{ key = m.from.domain }". */
void moon_questions_fields(lua_State *L, const char *what, const char *like,
                           const char *const *names, size_t count);
/* Who is asked. NULL: nobody (a policy that is being published); the question is noted at least. */
struct moon_asks *moon_questions_asks(lua_State *L, const char *what);
/* Waiting for an answer since then has bounds of its own: it is no time of the policy's. */
void moon_questions_credit(lua_State *L, int64_t started_ms);

#endif
