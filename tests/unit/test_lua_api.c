/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/moonscan.d.lua: the list of the policy API. tests/lint/api.py holds it against C and
 * the page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lua/embedded.h"
#include "lua/sandbox.h"

static const char *list_text(void)
{
    for (const struct moon_embedded *e = moon_embedded; e->name; e++)
        if (!strcmp(e->name, "lua/moonscan.d.lua"))
            return e->text;
    fail_msg("lua/moonscan.d.lua is not built in");
    return "";
}

static void the_list_is_lua_and_gives_a_table(void **state)
{
    (void)state; /* cmocka's, not used */
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    if (luaL_dostring(L, list_text()) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    assert_true(lua_istable(L, -1));
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_lua_and_gives_a_table),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
