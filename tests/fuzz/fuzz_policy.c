/* SPDX-License-Identifier: MIT
 *
 * Fuzz target of the policy sandbox: the input is a policy. Whatever it does, the answer is a
 * verdict within the limits, and lint looks at it. The input up to the first line feed also serves
 * as a pattern and, reversed in roles, as its subject.
 *
 * Parser: lua/pattern.c
 * Parser: lua/pattern_functions.c
 * Parser: lua/tokens.c
 * Parser: lua/lint_walk.c
 * Parser: lua/lint_chain.c
 * Parser: lua/lint_use.c
 * Parser: lua/lint.c
 * Parser: lua/lint_policy.c
 * Parser: lua/lint_verdicts.c
 * Parser: lua/lint_cures.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/budget.h"
#include "lua/lint.h"
#include "lua/sandbox.h"

struct input {
    struct moon_span text;
};

static int run_policy(lua_State *L)
{
    struct input *input = moon_sandbox_context(L);
    moon_library_open(L);
    moon_sandbox_load(L, input->text, "fuzz.lua");
    lua_call(L, 0, 0);
    return 0;
}

/* A replacement by a function: the number of its arguments, or nothing. */
static int replace(lua_State *L)
{
    lua_pushinteger(L, lua_gettop(L));
    return lua_tointeger(L, -1) > 1 ? 1 : 0;
}

static int run_pattern(lua_State *L)
{
    struct input *input = moon_sandbox_context(L);
    struct moon_buf buf = moon_buf_of(input->text);
    struct moon_span pattern = moon_buf_until(&buf, '\n');
    static const char *const names[] = {"find", "match", "gsub", "gsub", "gsub"};
    (void)moon_buf_skip(&buf, '\n'); /* may be missing */
    lua_newtable(L);
    moon_pattern_functions(L);
    for (size_t i = 0; i < 5; i++) {
        (void)lua_getfield(L, 1, names[i]);
        lua_pushlstring(L, buf.left ? buf.p : "", buf.left);
        lua_pushlstring(L, pattern.n ? pattern.p : "", pattern.n);
        if (i == 2) {
            lua_pushliteral(L, "<%0%1>");
        } else if (i == 3) {
            lua_pushcfunction(L, replace);
        } else if (i == 4) {
            lua_newtable(L);
            lua_pushliteral(L, "b");
            lua_setfield(L, -2, "a");
        }
        lua_call(L, i >= 2 ? 3 : 2, LUA_MULTRET);
        lua_settop(L, 1);
    }
    return 0;
}

static void run(lua_CFunction body, struct input *input)
{
    static const struct moon_limits limits = {100000, 1 << 20, 5000};
    struct moon_error error = {""};
    struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
    if (!sandbox)
        return;
    int64_t start_ms = moon_clock_ms();
    if (moon_sandbox_run(sandbox, body, input, &error) != MOON_OK && !*error.text)
        abort();
    if (moon_clock_ms() - start_ms > 20000)
        abort();
    moon_sandbox_destroy(&sandbox);
}

/* A policy as it would stand in a file, too: lint follows only what it knows. */
static void look_at(struct moon_span text)
{
    static struct moon_lint *lint;
    struct moon_findings findings;
    char whole[5000];
    struct moon_arena *arena = moon_arena_create(1 << 20);
    if (!lint)
        lint = moon_lint_create(); /* once; it is the process's */
    if (!arena || !lint)
        abort();
    int64_t start_ms = moon_clock_ms();
    int n = snprintf(whole, sizeof whole,
                     "local moon <const> = require 'moonscan'\nlocal policy = {}\n"
                     "function policy.message(m)\n%.*s\nend\nreturn policy\n",
                     (int)(text.n < 4000 ? text.n : 4000), text.p ? text.p : "");
    if (moon_lint_run(lint, arena, text, "fuzz.lua", &findings) != MOON_OK ||
        moon_lint_run(lint, arena, (struct moon_span){whole, (size_t)n}, "fuzz.lua", &findings) !=
            MOON_OK)
        abort();
    for (size_t i = 0; i < findings.count; i++)
        if (strncmp(findings.texts[i], "fuzz.lua:", 9) != 0)
            abort();
    if (moon_clock_ms() - start_ms > 20000)
        abort();
    moon_arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {{(const char *)data, size}};
    look_at(input.text);
    run(run_policy, &input);
    run(run_pattern, &input);
    return 0;
}
