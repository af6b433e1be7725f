/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/pattern.c and pattern_functions.c: Lua's own string library is the oracle for many
 * small patterns made of everything the syntax has, ill-formed ones too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lualib.h>

#include "lua/sandbox.h"

/* Raises with the first difference; gets our table, Lua's table, the seed. */
static const char script[] =
    "local ours, std, seed = ...\n"
    "math.randomseed(seed)\n"
    "local parts = {'a', 'b', '.', '%a', '%d', '[ab]', '[^a]', '[a-c]', '(', ')', '*', '+', '-',\n"
    "  '?', '%b()', '%f[a]', '^', '$', '()', '%1', '%', '[', '%s', 'x', '%w', '[%a-]', '[]]', "
    "'%2',\n"
    "  '%f', '%b', '%u', '%P', '[%s%d]', '%.'}\n"
    "local letters = {'a', 'b', 'c', '(', ')', '1', ' ', 'x', '-', ']', 'A', '.'}\n"
    "local function random(from, n)\n"
    "  local r = {}\n"
    "  for i = 1, math.random(0, n) do r[i] = from[math.random(#from)] end\n"
    "  return table.concat(r)\n"
    "end\n"
    "local function show(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local call = {\n"
    "  find = function(f, s, p, i) return f(s, p, i) end,\n"
    "  match = function(f, s, p, i) return f(s, p, i) end,\n"
    "  gsub = function(f, s, p) return f(s, p, '<%0>') end,\n"
    "  gmatch = function(f, s, p)\n"
    "    local r = {}\n"
    "    for a, b in f(s, p) do r[#r + 1] = tostring(a) .. tostring(b) end\n"
    "    return table.concat(r, ',')\n"
    "  end,\n"
    "}\n"
    "for i = 1, 20000 do\n"
    "  local s, p, init = random(letters, 10), random(parts, 6), math.random(-3, 4)\n"
    "  for name, f in pairs(call) do\n"
    "    local good, a = pcall(function() return show(f(ours[name], s, p, init)) end)\n"
    "    local std_good, b = pcall(function() return show(f(std[name], s, p, init)) end)\n"
    "    if good ~= std_good or good and a ~= b then\n"
    "      error(('%s(%q, %q, %d): got %s, want %s'):format(name, s, p, init, a, b))\n"
    "    end\n"
    "  end\n"
    "end\n";

static int compare(lua_State *L)
{
    const int *seed = moon_sandbox_context(L);
    luaL_openlibs(L);
    if (luaL_loadstring(L, script) != LUA_OK)
        return lua_error(L);
    lua_newtable(L);
    moon_pattern_functions(L);
    (void)lua_getglobal(L, "string");
    lua_pushinteger(L, *seed);
    lua_call(L, 3, 0);
    return 0;
}

static void patterns_match_as_in_lua_itself(void **state)
{
    static const struct moon_limits limits = {INT64_MAX, 64 << 20, 600000};
    (void)state; /* cmocka's, not used */
    for (int seed = 1; seed <= 2; seed++) {
        struct moon_error error = {""};
        struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
        assert_non_null(sandbox);
        if (moon_sandbox_run(sandbox, compare, &seed, &error) != MOON_OK)
            fail_msg("seed %d: %s", seed, error.text);
        moon_sandbox_destroy(&sandbox);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_lua_itself),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
