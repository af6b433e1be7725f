/* SPDX-License-Identifier: MIT */
#include "tests/support/lint_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lua/sandbox.h"

struct moon_lint *lint;

int lint_begin(void **state)
{
    (void)state; /* cmocka's, not used */
    lint = moon_lint_create();
    return lint ? 0 : -1;
}

int lint_end(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_lint_destroy(&lint);
    return 0;
}

void must_compile(const char *source)
{
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    if (luaL_loadstring(L, source) != LUA_OK)
        fail_msg("the test's own source: %s\n%s", lua_tostring(L, -1), source);
    lua_close(L);
}

const char *found_in(const char *source)
{
    static char all[16384];
    struct moon_findings findings;
    struct moon_arena *arena = moon_arena_create(1 << 20);
    assert_int_equal(moon_lint_run(lint, arena, moon_span_of(source), "p.lua", &findings), MOON_OK);
    all[0] = '\0';
    for (size_t i = 0; i < findings.count; i++)
        (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s\n", findings.texts[i]);
    moon_arena_destroy(&arena);
    return all;
}

void expect(const char *head, const char *body, const char *tail, const char *want)
{
    char source[4096], line[2000];
    (void)snprintf(source, sizeof source, "%s%s%s", head, body, tail);
    (void)snprintf(line, sizeof line, "%s%s", want, *want ? "\n" : "");
    must_compile(source);
    const char *got = found_in(source);
    if (strcmp(got, line) != 0)
        fail_msg("%s\n  got  %s  want %s", body, *got ? got : "nothing\n", want);
}
