/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/moonscan.d.lua, the list of the policy API, and of lua/api.c, which reads it. Names
 * and kinds of C are held against it by tests/lint/api.py; here the values that a policy reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/api.h"
#include "lua/sandbox.h"
#include "tests/support/policy_case.h"

static struct moon_arena *arena;
static struct moon_api api;

static int set_up(void **state)
{
    (void)state; /* cmocka's, not used */
    arena = moon_arena_create(4 << 20);
    return arena && moon_api_load(arena, moon_api_text(), &api) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's, not used */
    moon_arena_destroy(&arena);
    return 0;
}

static void the_list_is_lua_and_gives_a_table(void **state)
{
    (void)state; /* cmocka's, not used */
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    struct moon_span text = moon_api_text();
    if (luaL_loadbuffer(L, text.p, text.n, "list") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    assert_true(lua_istable(L, -1));
    lua_close(L);
}

static const char *type_name(const struct moon_api_type *type)
{
    static const char *const names[] = {"any",      "string", "number", "boolean", "string",
                                        "userdata", "table",  "table",  "function"};
    return names[type->kind];
}

/* Adds the lines of a policy that read every field of a class; `path` is Lua that leads to it. */
static void add_reads(struct moon_str *source, const struct moon_api_type *type, const char *path,
                      unsigned depth)
{
    assert_true(depth < 6);
    for (size_t i = 0; i < type->class->count; i++) {
        const struct moon_api_field *field = &type->class->fields[i];
        struct moon_api_type inner = moon_api_type_of(&api, field->type);
        bool optional = field->type.p[field->type.n - 1] == '?' && inner.kind != MOON_API_FUNCTION;
        const char *at =
            field->name.p[0] == '['
                ? moon_arena_printf(arena, "%s[1]", path)
                : moon_arena_printf(arena, "%s.%.*s", path, (int)field->name.n, field->name.p);
        assert_non_null(at);
        moon_str_addf(source, "t([==[%s]==], %s, '%s', %s, [==[%.*s]==])\n", at, at,
                      type_name(&inner), optional || field->name.p[0] == '[' ? "true" : "false",
                      inner.kind == MOON_API_WORDS ? (int)inner.words.n : 0,
                      inner.words.p ? inner.words.p : "");
        if (inner.kind != MOON_API_CLASS)
            continue;
        moon_str_addf(source, "if %s then\n", at);
        add_reads(source, &inner, at, depth + 1);
        moon_str_add(source, "end\n");
    }
}

static void fill_arc(struct moon_arc *arc)
{
    static struct moon_arc_result result = {"dmarc", "pass", NULL, NULL, 0};
    static struct moon_arc_set set = {.instance = 1,
                                      .domain = "fwd.example",
                                      .selector = "s",
                                      .cv = "none",
                                      .seal_result = MOON_RESULT_PASS,
                                      .signed_at_s = -1,
                                      .signature = {.result = MOON_RESULT_PASS, .body_length = -1},
                                      .results = &result,
                                      .result_count = 1};
    *arc = (struct moon_arc){.result = MOON_RESULT_PASS,
                             .reason = "",
                             .verified = true,
                             .instances = 1,
                             .sets = &set,
                             .set_count = 1};
}

static void every_fact_is_of_the_type_that_the_list_says(void **state)
{
    struct moon_api_type message = moon_api_type_of(&api, MOON_SPAN("moonscan.Message"));
    struct moon_str source;
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    assert_int_equal(message.kind, MOON_API_CLASS);
    moon_str_begin(&source, arena);
    moon_str_add(&source,
                 "local moon = require 'moonscan'\n"
                 "local count = 0\n"
                 "local function t(path, value, want, optional, words)\n"
                 "  count = count + 1\n"
                 "  if value == nil then\n"
                 "    if not optional then error(path .. ' is nil', 0) end\n"
                 "  elseif path == 'm.tenant.settings' then\n" /* read like a table, its own */
                 "    assert(type(value) == 'userdata')\n"
                 "  elseif want ~= 'any' and type(value) ~= want then\n"
                 "    error(path .. ' is a ' .. type(value) .. ', not a ' .. want, 0)\n"
                 "  elseif #words > 0 and not words:find('\"' .. value .. '\"', 1, true) then\n"
                 "    error(path .. ' is ' .. value .. ', none of ' .. words, 0)\n"
                 "  end\nend\n"
                 "return { message = function(m)\n");
    add_reads(&source, &message, "m", 0);
    moon_str_add(&source, "return moon.accept { reason = 'fields: ' .. count }\nend }\n");
    const char *text = moon_str_end(&source);
    assert_non_null(text);
    for (int with_arc = 0; with_arc < 2; with_arc++) {
        policy_case_begin(&c);
        if (with_arc)
            fill_arc(&c.results.arc);
        policy_case_policy(&c, text);
        struct moon_verdict v = policy_case_decide(&c);
        if (v.failure)
            fail_msg("%s", v.failure);
        assert_int_equal(v.kind, MOON_VERDICT_ACCEPT);
        assert_true(atoi(strchr(v.reason, ' ') + 1) > 120); /* it went through them all */
        policy_case_end(&c);
    }
}

static void types_are_read_as_they_are_written(void **state)
{
    static const struct {
        const char *text;
        enum moon_api_kind kind;
    } table[] = {
        {"string", MOON_API_TEXT},
        {"string?", MOON_API_TEXT},
        {"integer", MOON_API_NUMBER},
        {"boolean?", MOON_API_BOOLEAN},
        {"moonscan.SpfResult?", MOON_API_WORDS},
        {"moonscan.Dmarc", MOON_API_CLASS},
        {"string[]?", MOON_API_LIST},
        {"moonscan.ListEntry[]", MOON_API_LIST},
        {"table<string,string>", MOON_API_TABLE},
        {"string|integer", MOON_API_UNKNOWN},
        {"(string|integer)?", MOON_API_UNKNOWN},
        {"moonscan.NoSuchThing", MOON_API_UNKNOWN},
        {"", MOON_API_UNKNOWN},
        {"fun(a: string): string?", MOON_API_FUNCTION},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum moon_api_kind got = moon_api_type_of(&api, moon_span_of(table[i].text)).kind;
        if (got != table[i].kind)
            fail_msg("%s: got %d, want %d", table[i].text, (int)got, (int)table[i].kind);
    }
    struct moon_api_type function = moon_api_type_of(
        &api,
        MOON_SPAN("fun(self: moonscan.List, a: table<string,string>, b:string?): moonscan.Arc?"));
    assert_true(moon_api_is_method(&function));
    assert_int_equal(moon_api_argument(&api, &function, 0).kind, MOON_API_TABLE);
    assert_int_equal(moon_api_argument(&api, &function, 1).kind, MOON_API_TEXT);
    assert_int_equal(moon_api_argument(&api, &function, 2).kind, MOON_API_UNKNOWN);
    struct moon_api_type result = moon_api_result(&api, &function);
    assert_true(result.kind == MOON_API_CLASS && moon_span_is(result.class->name, "moonscan.Arc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_lua_and_gives_a_table),
        cmocka_unit_test(types_are_read_as_they_are_written),
        cmocka_unit_test(every_fact_is_of_the_type_that_the_list_says),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
