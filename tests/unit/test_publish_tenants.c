/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/gather_conf.c, gather_tenants.c and trial.c: tenants.lua, shared policies and
 * next versions, as `moonscan publish` reads and checks them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/tenant_conf.h"
#include "tests/support/publish_case.h"

#define POLICY      "return { message = function(m) end }"
#define READS(name) "return { message = function(m) local x = m.tenant.settings." name " end }"
#define USES_LIST   "local l <const> = require 'moonscan'.list 'fwd'\n" POLICY

static void published(void)
{
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void refused(const char *want)
{
    assert_int_equal(publish_case_publish(NULL), 1);
    moon_cmd_wants(want);
}

static void shared_policies_serve_tenants_without_one_of_their_own(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("policies/gold.lua", READS("spam"));
    publish_case_put("policies/silver/policy.lua", USES_LIST);
    publish_case_put("policies/silver/lists/fwd.lua", "return { 'a.example' }");
    publish_case_put("policies/unused.lua", READS("nobody_has_this"));
    publish_case_put("tenants/own.lua", POLICY);
    publish_case_put("tenants/lists_only/lists/fwd.lua", "return { 'b.example' }");
    publish_case_put("tenants.map", "mapped.example: mapped\n");
    publish_case_put("tenants.lua",
                     "return { ['*'] = { policy = 'gold', settings = { spam = false } },\n"
                     "acme = { mode = 'dry_run', settings = { spam = 'x' } },\n"
                     "lists_only = { policy = 'silver' } }");
    published();
    moon_cmd_wants("modes: enforce 4, dry_run 1 (acme)\n");
    moon_cmd_wants("note: the policy 'gold' of \"*\" is for tenants; for recipients of no "
                   "tenant the built-in decides, as there is no site.lua\n");
    assert_string_equal(publish_case_in_force("tenant/acme"), "policies/gold.lua");
    assert_string_equal(publish_case_in_force("tenant/mapped"), "policies/gold.lua");
    assert_string_equal(publish_case_in_force("tenant/own"), "tenants/own.lua");
    assert_string_equal(publish_case_in_force("tenant/lists_only"), "policies/silver/policy.lua");
    assert_non_null(publish_case_in_force("tenant-conf/acme"));
    assert_non_null(publish_case_in_force("tenant-conf/*"));
    assert_null(publish_case_in_force("tenant-conf/own"));
    assert_non_null(publish_case_in_force("list/tenants/lists_only/lists/fwd.lua"));
}

static void mistakes_about_tenants_are_told(void **state)
{
    static const struct {
        const char *path, *text, *want;
    } table[] = {
        {"tenants.lua",
         "return {\n ['*'] = { policy = 'gold', settings = { spam = false } },\n"
         " own = { policy = 'gold' } }",
         "etc/tenants.lua:3: tenant 'own' has a policy of its own in tenants/own.lua; remove one"},
        {"tenants.lua",
         "return {\n ['*'] = { settings = { spam = false } },\n lists_only = {\n"
         "  policy = 'glod' } }",
         "etc/tenants.lua:4: there is no policies/glod.lua; is 'gold' meant?"},
        {"tenants.lua", "return {\n ['*'] = { policy = 'none_near' } }",
         "etc/tenants.lua:2: there is no policies/none_near.lua; put the policy there"},
        {"tenants.lua", "return {\n ['Acme'] = {} }",
         "etc/tenants.lua:2: 'Acme' cannot be a tenant's name"},
        {"tenants.lua", "return { own = { mod = 1 } }",
         "a tenant has no 'mod'; did you mean 'mode'"},
        {"tenants.lua", "return {}",
         "tenants/lists_only/policy.lua: there is no such file; a tenant's folder has one, unless"},
        {"tenants.lua", "return { lists_only = { policy = 'gold' } }",
         "etc/policies/gold.lua:1: m.tenant.settings has no 'spam' for tenant 'lists_only'"},
        {"policies/gold/policy.lua", POLICY,
         "etc/policies/gold.lua: policies/gold/policy.lua is the same policy; remove one"},
        {"policies/empty/lists/x.lua", "return { 'a.example' }",
         "policies/empty/policy.lua: there is no such file"},
        {"policies/unused.lua", "return { message = function(m) return m.dmrc end }",
         "etc/policies/unused.lua:1: m has no field 'dmrc'"},
        {"tenants.map", "acme: wild.example\n",
         "/tenants.map:1: 'acme' is no domain; the domain comes first: acme.example: acme"},
        {"tenants.map", "*.wild.example: acme\n",
         "/tenants.map:1: '*.wild.example' is no domain; each domain stands on a line of its own"},
        {"policies/Upper.lua", POLICY, "Upper.lua: a policy's name is made of lower-case letters"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(moon_cmd_end(NULL), 0);
        assert_int_equal(publish_case_begin(NULL), 0);
        shared_policies_serve_tenants_without_one_of_their_own(NULL);
        publish_case_put(table[i].path, table[i].text);
        refused(table[i].want);
    }
}

static void a_mistake_of_many_tenants_is_told_once(void **state)
{
    char text[4096] = "return { ";
    size_t count = 0;
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 50; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "t%d = { policy = 'gold' }, ", i);
    (void)strcat(text, "}");
    publish_case_put("policies/gold.lua", READS("spam"));
    publish_case_put("tenants.lua", text);
    refused("1 mistake. Nothing was published");
    for (const char *p = moon_cmd_printed; (p = strstr(p, "has no 'spam'")); p++)
        count++;
    assert_int_equal(count, 1);
}

static void a_setting_unlike_those_for_all_is_a_warning(void **state)
{
    static const struct {
        const char *settings, *want; /* NULL: no warning */
    } table[] = {
        {"forgd = 'reject'", "etc/tenants.lua:4: setting 'forgd' of tenant 'acme' is not one of "
                             "\"*\"; is 'forged' meant?"},
        {"forged = 5", "setting 'forged' of tenant 'acme' is a number, but a text in \"*\""},
        {"forged = false", NULL},
        {"vip = { 'a' }", NULL},
        {"limit = 2.5", NULL},
        {"limit = '2'", "is a text, but a number in \"*\""},
        {"words = 'x'", "setting 'words' of tenant 'acme' is a text, but a list in"},
        {"words = { a = 1 }", "is a table, but a list in"},
        {"words = {}", NULL},
        {"map = {}", NULL},
        {"on = 'yes'", "is a text, but true in"},
        {"forged_from = 'x', own = 1", NULL},
    };
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua", POLICY);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[500];
        (void)snprintf(text, sizeof text,
                       "return {\n['*'] = { settings = { forged = 'x', vip = false, limit = 2,\n"
                       "words = { 'a' }, map = { a = 1 }, on = true } },\n"
                       "acme = { settings = { %s } } }",
                       table[i].settings);
        publish_case_put("tenants.lua", text);
        published();
        if (table[i].want)
            moon_cmd_wants(table[i].want);
        else if (strstr(moon_cmd_printed, "warning"))
            fail_msg("%s: %s", table[i].settings, moon_cmd_printed);
    }
}

static void many_settings_unlike_those_for_all_are_counted(void **state)
{
    static char text[20000] = "return { ['*'] = { settings = { forged = 'x' } },\n";
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 50; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "t%d = { settings = { forgd = 'x' } },\n", i);
    (void)strcat(text, "}");
    publish_case_put("tenants.lua", text);
    published();
    moon_cmd_wants("30 more settings are not like those of \"*\"");
    const char *first = strstr(moon_cmd_printed, "of tenant 't0'");
    assert_non_null(first);
    assert_null(strstr(first + 1, "of tenant 't0'")); /* once */
}

static void a_shared_policy_that_fails_says_for_whom(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("policies/gold.lua", "return { message = function(m)\n"
                                          "local s = m.tenant.settings\n"
                                          "local x = s.mild, s.vip.boss end }");
    publish_case_put("tenants.lua", "return { ['*'] = { policy = 'gold',\n"
                                    "settings = { vip = {}, mild = false } },\n"
                                    "acme = {}, beta = { settings = { vip = 5 } } }");
    refused("etc/policies/gold.lua:3: attempt to index a number value");
    moon_cmd_wants(" (tried for tenant 'beta'; the setting it read last is 'vip', a number)\n");
    publish_case_put("policies/gold.lua", USES_LIST);
    refused("etc/policies/gold.lua:1: moon.list \"fwd\"");
    moon_cmd_wants(" (tried for tenant 'acme')\n");
}

static void files_that_nobody_reads_are_noted_in_folders_too(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme/policy.lua", POLICY);
    publish_case_put("tenants/acme/acme.lua", POLICY);
    publish_case_put("tenants/acme/policy.lua~", POLICY);
    publish_case_put("tenants/acme/list/x.lua", "return { 'a.example' }");
    publish_case_put("tenants/acme/notes.txt", "");
    publish_case_put("next/tenant/acme.lua", POLICY);
    published();
    moon_cmd_wants("note: ");
    moon_cmd_wants("etc/tenants/acme/acme.lua is not read; is policy.lua meant?\n");
    moon_cmd_wants("etc/tenants/acme/list is not read; is lists meant?\n");
    moon_cmd_wants("etc/next/tenant is not read; is tenants meant?\n");
    assert_null(strstr(moon_cmd_printed, "notes.txt"));
    assert_null(strstr(moon_cmd_printed, "policy.lua~"));
    publish_case_put("tenants/beta/beta.lua", POLICY);
    refused(
        "tenants/beta/policy.lua: there is no such file (is beta.lua meant?); a tenant's folder");
    publish_case_put("policies/gold/gold.lua", POLICY);
    refused("policies/gold/policy.lua: there is no such file (is gold.lua meant?); the folder of");
}

static void a_misspelt_tenant_is_noted(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua", POLICY);
    publish_case_put("tenants.lua", "return { acmee = {}, only_here = {} }");
    published();
    moon_cmd_wants("note: tenants.lua names 'acmee', which no other file does; is 'acme' meant?");
    assert_null(strstr(moon_cmd_printed, "names 'only_here'"));
}

static void next_versions_are_found_at_the_same_path(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("policies/gold.lua", POLICY);
    publish_case_put("tenants/acme.lua", USES_LIST);
    publish_case_put("tenants/lists/fwd.lua", "return { 'a.example' }");
    publish_case_put("tenants/folder/policy.lua", POLICY);
    publish_case_put("tenants.lua", "return { beta = { policy = 'gold' } }");
    published();
    assert_null(publish_case_in_force("next-site"));
    assert_null(strstr(moon_cmd_printed, "modes:"));
    publish_case_put("next/policies/gold.lua", POLICY);
    published();
    moon_cmd_wants("modes: enforce 3, shadow 1 (beta)");
    assert_string_equal(publish_case_in_force("next-tenant/beta"), "next/policies/gold.lua");
    assert_null(publish_case_in_force("next-tenant/acme"));
    publish_case_put("next/tenants/lists/fwd.lua", "return { 'b.example' }");
    published();
    moon_cmd_wants("shadow 2 (beta, acme)");
    assert_string_equal(publish_case_in_force("next-tenant/acme"), "tenants/acme.lua");
    assert_null(publish_case_in_force("next-tenant/folder"));
    publish_case_put("next/tenants/folder/lists/x.lua", "return { 'b.example' }");
    publish_case_put("next/tenants/beta.lua", POLICY);
    publish_case_put("next/site.lua", POLICY);
    published();
    moon_cmd_wants("modes: enforce 0, shadow 4 (");
    assert_string_equal(publish_case_in_force("next-tenant/folder"), "tenants/folder/policy.lua");
    assert_string_equal(publish_case_in_force("next-tenant/beta"), "next/tenants/beta.lua");
    assert_string_equal(publish_case_in_force("next-site"), "next/site.lua");
    assert_null(publish_case_in_force("site"));
}

static void a_new_list_of_the_site_is_a_next_version_of_the_site(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("site.lua", USES_LIST);
    publish_case_put("lists/fwd.lua", "return { 'a.example' }");
    publish_case_put("next/lists/fwd.lua", "return { 'b.example' }");
    published();
    assert_string_equal(publish_case_in_force("next-site"), "site.lua");
    moon_cmd_wants("shadow 1 (*)");
}

static void next_versions_are_checked_like_live_ones(void **state)
{
    static const char *const table[][3] = {
        {"next/tenants/acme.lua", "return { message = function(m) return m.dmrc end }",
         "etc/next/tenants/acme.lua:1: m has no field 'dmrc'; did you mean 'dmarc'?"},
        {"next/tenants/acme.lua", "return { locked = function(m) end, message = function(m) end }",
         "next/tenants/acme.lua:1: only site.lua may lock"},
        {"next/site.lua", "return { locked = 1, message = function(m) end }",
         "next/site.lua:1: locked must be a function"},
        {"next/site.lua", "return {", "next/site.lua:1:"},
        {"next/policies/gold.lua", READS("spam"),
         "next/policies/gold.lua:1: m.tenant.settings has no 'spam' for tenant 'beta'"},
        {"next/tenants/lists/fwd.lua", "return { { name = 'x', dkmi = 'a' } }",
         "next/tenants/lists/fwd.lua:1:"},
        {"next/tenants/acme.lua", "local l = require 'moonscan'.list 'fdw'\n" POLICY,
         "next/tenants/acme.lua:1: moon.list \"fdw\""},
        {"next/tenants/acmee.lua", POLICY,
         "next/tenants/acmee.lua: there is no tenant 'acmee'; is 'acme' meant?"},
        {"next/tenants/zzz.lua", POLICY, "there is no tenant 'zzz'; next/ holds new versions"},
        {"next/policies/glod.lua", POLICY, "there is no policy 'glod'; is 'gold' meant?"},
        {"next/tenants/acme/policy.lua", POLICY, NULL},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(moon_cmd_end(NULL), 0);
        assert_int_equal(publish_case_begin(NULL), 0);
        publish_case_put("policies/gold.lua", POLICY);
        publish_case_put("tenants/acme.lua", USES_LIST);
        publish_case_put("tenants/lists/fwd.lua", "return { 'a.example' }");
        publish_case_put("tenants.lua", "return { beta = { policy = 'gold' } }");
        published();
        publish_case_put(table[i][0], table[i][1]);
        if (table[i][2])
            refused(table[i][2]);
        else
            published();
    }
    publish_case_put("next/tenants/acme.lua", POLICY);
    refused("tenant 'acme' has another next version in");
}

static void a_mode_that_does_nothing_is_noted(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua", POLICY);
    publish_case_put("tenants/beta.lua", POLICY);
    publish_case_put("tenants.lua", "return { acme = { mode = 'shadow' }, beta = { canary = 5 } }");
    published();
    moon_cmd_wants("note: shadow or canary is set, but next/ has nothing new for 2 of them: "
                   "acme, beta\n");
    publish_case_put("tenants.lua",
                     "return { acme = { mode = 'enforce' }, beta = { canary = 5 } }");
    publish_case_put("next/tenants/acme.lua", POLICY);
    publish_case_put("next/tenants/beta.lua", POLICY);
    publish_case_put("next/moonscan.lua", "return {}");
    published();
    moon_cmd_wants("a new version that is not looked at, because the mode of 1 is set to "
                   "another than shadow: acme\n");
    moon_cmd_wants("modes: enforce 2, shadow 1 (beta), canary 1 (beta)\n");
    moon_cmd_wants("next/moonscan.lua is not read: next/ holds site.lua, tenants/");
    publish_case_put("tenants.lua", "return { ['*'] = { mode = 'dry_run' } }");
    published();
    moon_cmd_wants("modes: enforce 0, dry_run 3 (acme, beta, *)\n");
}

static void what_does_not_fit_into_a_record_is_refused(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua", POLICY);
    publish_case_put("tenants.lua", "return {\nacme = { settings = { a = ('x'):rep(70000) } } }");
    refused("etc/tenants.lua:2: the settings of tenant 'acme' have more than 65536 bytes");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, publish_case_begin, moon_cmd_end)
    const struct CMUnitTest tests[] = {
        TEST(shared_policies_serve_tenants_without_one_of_their_own),
        TEST(mistakes_about_tenants_are_told),
        TEST(a_mistake_of_many_tenants_is_told_once),
        TEST(a_setting_unlike_those_for_all_is_a_warning),
        TEST(many_settings_unlike_those_for_all_are_counted),
        TEST(a_shared_policy_that_fails_says_for_whom),
        TEST(files_that_nobody_reads_are_noted_in_folders_too),
        TEST(a_misspelt_tenant_is_noted),
        TEST(next_versions_are_found_at_the_same_path),
        TEST(a_new_list_of_the_site_is_a_next_version_of_the_site),
        TEST(next_versions_are_checked_like_live_ones),
        TEST(a_mode_that_does_nothing_is_noted),
        TEST(what_does_not_fit_into_a_record_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
