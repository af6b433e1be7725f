/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/tenants_config.c and lua/settings.c: what tenants.lua may hold, what is told of the
 * rest, and what a policy reads of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/tenants_config.h"
#include "tests/support/policy_case.h"

#define INSTRUCTIONS 5000000

static struct moon_tenants_config parse(struct moon_arena *arena, const char *text)
{
    struct moon_tenants_config config;
    assert_int_equal(
        moon_tenants_parse(arena, moon_span_of(text), "tenants.lua", INSTRUCTIONS, &config),
        MOON_OK);
    return config;
}

static void entries_are_read_and_sorted(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_tenants_config config = parse(
        arena, "return { beta = { policy = 'gold' }, ['a.b'] = {}, ['*'] = { mode = 'shadow' },\n"
               "acme = { mode = 'dry_run', canary = 10, settings = { b = 1, a = 'x' } } }");
    (void)state; /* cmocka's, not used */
    assert_int_equal(config.error_count, 0);
    assert_int_equal(config.count, 4);
    assert_string_equal(config.entries[0].name, "*");
    assert_int_equal(config.entries[0].mode, MOON_MODE_SHADOW);
    assert_string_equal(config.entries[1].name, "a.b");
    assert_int_equal(config.entries[1].canary, -1);
    assert_string_equal(config.entries[2].name, "acme");
    assert_int_equal(config.entries[2].canary, 10);
    assert_int_equal(config.entries[2].setting_count, 2);
    assert_true(moon_span_is(config.entries[2].settings[0].key, "a"));
    assert_string_equal(config.entries[3].policy, "gold");
    moon_arena_destroy(&arena);
}

static void mistakes_are_told_with_line_and_nearest_name(void **state)
{
    static const char *const table[][2] = {
        {"return {\n acme = {\n  mod = 'enforce' } }",
         "tenants.lua:3: a tenant has no 'mod'; did you mean 'mode'?"},
        {"return { acme = { xyzzy = 1 } }",
         "tenants.lua:1: a tenant has no 'xyzzy'; it has canary, mode, policy and settings"},
        {"return { acme = {\nmode = 'shadwo' } }",
         "tenants.lua:2: mode must be \"enforce\", \"dry_run\" or \"shadow\"; is \"shadow\" "
         "meant?"},
        {"return { acme = { mode = 1 } }", "mode must be \"enforce\""},
        {"return { acme = { canary = 101 } }", "canary must be a whole number from 0 to 100"},
        {"return { acme = { canary = -1 } }", "canary must be a whole number"},
        {"return { acme = { canary = 0.5 } }", "canary must be a whole number"},
        {"return { acme = { canary = '10' } }", "canary must be a whole number"},
        {"return { acme = { policy = '../etc/passwd' } }", "policy must be the name of a file"},
        {"return { acme = { policy = '' } }", "policy must be the name of a file"},
        {"return { acme = { settings = 1 } }", "settings must be a table, not a number"},
        {"return { acme = { settings = { 1 } } }", "settings have names"},
        {"return { acme = {\nsettings = {\na = print_ } } }", "tenants.lua:3:"},
        {"return { acme = { settings = {\na = function() end } } }",
         "tenants.lua:2: acme.settings.a must be a text, a number, a boolean or a table"},
        {"return { acme = { settings = {\na = { b = {} } } } }",
         "tenants.lua:2: acme.settings.a.b is a table inside a table"},
        {"return { acme = { settings = {\na = { 1, x = 2 } } } }",
         "tenants.lua:2: acme.settings.a must be a list, or a table with texts as keys"},
        {"return { acme = { settings = { a = { 1, nil, 3 } } } }", "must be a list"},
        {"return { acme = { settings = { a = { [true] = 1 } } } }", "must be a list"},
        {"return { acme = 'enforce' }", "tenants.lua:1: an entry is like: acme = { mode ="},
        {"return { { mode = 'enforce' } }", "an entry is like: acme ="},
        {"return 1", "tenants.lua:1: the file must return a table"},
        {"return {", "tenants.lua:1:"},
        {"while true do end", "instruction limit"},
        {"local t = {} for i = 1, 300 do t['s' .. i] = i end return { acme = { settings = t } }",
         "are 200 at most"},
        {"local t = {} for i = 1, 1001 do t[i] = i end return { acme = { settings = { l = t } } }",
         "has more than 1000 items"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_tenants_config config = parse(arena, table[i][0]);
        if (config.error_count == 0 || !strstr(config.errors[0], table[i][1]))
            fail_msg("%s:\n  got  %s\n  want %s", table[i][0],
                     config.error_count ? config.errors[0] : "no mistake", table[i][1]);
        moon_arena_destroy(&arena);
    }
}

static void all_mistakes_are_told_in_the_order_of_lines(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_tenants_config config =
        parse(arena, "return {\nacme = { mode = 1,\ncanary = 'x' },\nbeta = { polcy = 'x' } }");
    (void)state; /* cmocka's, not used */
    assert_int_equal(config.error_count, 3);
    assert_non_null(strstr(config.errors[0], "tenants.lua:2: mode"));
    assert_non_null(strstr(config.errors[1], "tenants.lua:3: canary"));
    assert_non_null(strstr(config.errors[2], "tenants.lua:4: a tenant has no 'polcy'"));
    moon_arena_destroy(&arena);
}

/* Packs the entry of that name with the one of "*". */
static struct moon_span packed(struct moon_arena *arena, const char *text, const char *name)
{
    struct moon_tenants_config config = parse(arena, text);
    const struct moon_tenants_entry *entry = NULL, *others = NULL;
    assert_int_equal(config.error_count, 0);
    for (size_t i = 0; i < config.count; i++) {
        entry = !strcmp(config.entries[i].name, name) ? &config.entries[i] : entry;
        others = !strcmp(config.entries[i].name, "*") ? &config.entries[i] : others;
    }
    assert_non_null(entry);
    return moon_tenants_pack(arena, entry, others);
}

static void what_an_entry_does_not_say_the_one_for_all_says(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_tenant_conf conf;
    struct moon_setting s;
    const char *text = "return { ['*'] = { mode = 'dry_run', canary = 5,\n"
                       "settings = { a = 1, b = 2, d = false } },\n"
                       "acme = { canary = 0, settings = { b = 'own', c = true } },\n"
                       "beta = { mode = 'enforce' } }";
    (void)state; /* cmocka's, not used */
    assert_true(moon_tenant_conf_read(packed(arena, text, "acme"), &conf));
    assert_int_equal(conf.mode, MOON_MODE_DRY_RUN);
    assert_int_equal(conf.canary, 0);
    assert_true(moon_setting_find(&conf, MOON_SPAN("a"), &s) && s.integer == 1);
    assert_true(moon_setting_find(&conf, MOON_SPAN("b"), &s) && moon_span_is(s.text, "own"));
    assert_true(moon_setting_find(&conf, MOON_SPAN("c"), &s) && s.boolean);
    assert_true(moon_setting_find(&conf, MOON_SPAN("d"), &s) && !s.boolean);
    assert_true(moon_tenant_conf_read(packed(arena, text, "beta"), &conf));
    assert_int_equal(conf.mode, MOON_MODE_ENFORCE);
    assert_int_equal(conf.canary, 5);
    moon_arena_destroy(&arena);
}

static void the_order_in_the_file_does_not_change_the_record(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_span a = packed(
        arena, "return { acme = { settings = { a = 1, b = { y = 1, x = 2 }, c = 3 } } }", "acme");
    struct moon_span b = packed(
        arena, "return { acme = { settings = { c = 3, b = { x = 2, y = 1 }, a = 1 } } }", "acme");
    (void)state; /* cmocka's, not used */
    assert_true(a.n > 3 && moon_span_eq(a, b));
    moon_arena_destroy(&arena);
}

/* --- what a policy reads -----------------------------------------------------------------------
 */

static struct moon_verdict ask(struct policy_case *c, const char *body)
{
    static const char tenants[] =
        "return { acme = { settings = { spam = true, limit = 12, share = 0.5, name = 'A',\n"
        "words = { 'x', 'y' }, vip = { ['ceo@acme.example'] = true }, empty = {} } } }";
    struct moon_tenant_conf conf;
    char text[1024];
    policy_case_begin(c);
    assert_true(moon_tenant_conf_read(packed(c->arena, tenants, "acme"), &conf));
    c->input.conf = &conf;
    (void)snprintf(text, sizeof text,
                   "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                   "local s = m.tenant.settings\n%s\nend }",
                   body);
    policy_case_policy(c, text);
    return policy_case_decide(c);
}

static void a_policy_reads_the_settings_of_its_tenant(void **state)
{
    static const char *const table[] = {
        "s.spam == true and s.limit == 12 and s.share == 0.5 and s.name == 'A'",
        "#s.words == 2 and s.words[2] == 'y' and table.concat(s.words, ' ') == 'x y'",
        "s.vip['ceo@acme.example'] and s.vip['x@acme.example'] == nil",
        "#s.empty == 0 and tostring(s) == 'm.tenant.settings'",
        "math.type(s.limit) == 'integer' and math.type(s.share) == 'float'",
        "(function() s.words[1] = 'z' return s.words[1] end)() == 'x'",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        char body[300];
        (void)snprintf(body, sizeof body, "if %s then return moon.discard {} end", table[i]);
        struct moon_verdict v = ask(&c, body);
        if (v.kind != MOON_VERDICT_DISCARD)
            fail_msg("%s: %s", table[i], v.failure ? v.failure : "false");
        policy_case_end(&c);
    }
}

static void a_setting_that_is_not_there_is_an_error_with_the_nearest(void **state)
{
    static const char *const table[][2] = {
        {"return s.limt", "tenants/acme.lua:4: m.tenant.settings has no 'limt' for tenant 'acme'; "
                          "did you mean 'limit'?"},
        {"return s.zzzzzz", "give it a default in the entry \"*\" of tenants.lua"},
        {"s.spam = false", "m.tenant.settings is read-only"},
        {"return s[1]", "m.tenant.settings has names, not a number"},
        {"for k in pairs(s) do end", "pairs wants a table"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        struct moon_verdict v = ask(&c, table[i][0]);
        if (!v.failure || !strstr(v.failure, table[i][1]))
            fail_msg("%s:\n  got  %s\n  want %s", table[i][0], v.failure ? v.failure : "-",
                     table[i][1]);
        policy_case_end(&c);
    }
}

static void what_was_read_is_noted_and_no_settings_are_none(void **state)
{
    struct policy_case c;
    struct moon_verdict v = ask(&c, "if s.spam then return moon.reject {} end");
    (void)state; /* cmocka's, not used */
    assert_int_equal(v.fact_count, 1);
    assert_string_equal(v.facts[0], "tenant.settings.spam");
    policy_case_end(&c);
    v = policy_case_run(&c, "return { message = function(m) return m.tenant.settings.spam end }");
    assert_non_null(strstr(v.failure, "m.tenant.settings has no 'spam' for tenant 'acme'"));
    policy_case_end(&c);
}

static void a_damaged_record_is_an_error_and_no_value(void **state)
{
    struct policy_case c;
    struct moon_tenant_conf conf = {.settings = {"\0\1ll\0\0\0\2tx", 10}};
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    c.input.conf = &conf;
    policy_case_policy(&c, "return { message = function(m) return m.tenant.settings.l end }");
    struct moon_verdict v = policy_case_decide(&c);
    assert_non_null(strstr(v.failure, "m.tenant.settings is damaged"));
    policy_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_and_sorted),
        cmocka_unit_test(mistakes_are_told_with_line_and_nearest_name),
        cmocka_unit_test(all_mistakes_are_told_in_the_order_of_lines),
        cmocka_unit_test(what_an_entry_does_not_say_the_one_for_all_says),
        cmocka_unit_test(the_order_in_the_file_does_not_change_the_record),
        cmocka_unit_test(a_policy_reads_the_settings_of_its_tenant),
        cmocka_unit_test(a_setting_that_is_not_there_is_an_error_with_the_nearest),
        cmocka_unit_test(what_was_read_is_noted_and_no_settings_are_none),
        cmocka_unit_test(a_damaged_record_is_an_error_and_no_value),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
