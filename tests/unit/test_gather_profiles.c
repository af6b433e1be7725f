/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/gather_profiles.c: the site's own profiles, published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/status.h"
#include "tests/support/publish_case.h"

#define PROFILE(name, dated, of)                                                                   \
    "return { name = '" name "', title = 'T', dated = '" dated "', esc = '5.7.1',\n"               \
    "sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },\n"                            \
    "requires = { { requirement = 'tls', of = '" of "', text = 'TLS' } } }"
#define PROVIDERS(dated)                                                                           \
    "return { dated = '" dated "',\n"                                                              \
    "{ name = 'a', title = 'A', source = 's', hosts = { 'a.example' } } }"

static void drop(const char *path)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", publish_etc, path);
    assert_int_equal(unlink(whole), 0);
}

static void what_is_in_order_is_in_the_snapshot(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("profiles/ours.lua", PROFILE("ours", "2020-01-01", "all"));
    publish_case_put("profiles/google.lua", PROFILE("google", "2199-01-01", "all"));
    publish_case_put("profiles/providers.lua", PROVIDERS("2199-01-01"));
    publish_case_put("profiles/google.lua~", "left by an editor");
    publish_case_put("site.lua", "local moon = require 'moonscan'\nlocal p = moon.profile 'ours'\n"
                                 "return { message = function(m) local u = p:check(m) end }");
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_null(strstr(moon_cmd_printed, "note:"));
    assert_string_equal(publish_case_in_force("profile/profiles/ours.lua"),
                        PROFILE("ours", "2020-01-01", "all"));
    assert_string_equal(publish_case_in_force("profile/profiles/providers.lua"),
                        PROVIDERS("2199-01-01"));
    drop("profiles/google.lua~");
}

static void one_that_is_older_than_the_programs_is_noted(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("profiles/google.lua", PROFILE("google", "2020-02-03", "all"));
    publish_case_put("profiles/providers.lua", PROVIDERS("2020-02-04"));
    assert_int_equal(publish_case_publish("--check"), 0);
    moon_cmd_wants("note: profiles/google.lua is dated 2020-02-03 and takes the place of the "
                   "program's own, which is dated 2026-");
    moon_cmd_wants("note: profiles/providers.lua is dated 2020-02-04");
    assert_null(strstr(moon_cmd_printed, "ours.lua"));
    drop("profiles/providers.lua");
    drop("profiles/google.lua");
}

static void mistakes_stop_the_publishing_and_are_told_once(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("profiles/ours.lua", PROFILE("ours", "2020-01-01", "bulk"));
    publish_case_put("profiles/My Own.lua", "return {}");
    publish_case_put("profiles/rules.lua", "return {}");
    publish_case_put("profiles/providers.lua", "return {\n dated = 'now' }");
    publish_case_put("tenants.map", "acme.example: acme\n");
    publish_case_put("tenants/acme.lua",
                     "local moon = require 'moonscan'\nlocal p = moon.profile 'ours'\n"
                     "return { message = function(m) if m.sender.provider then end end }");
    assert_int_equal(publish_case_publish("--check"), 1);
    moon_cmd_wants("/profiles/ours.lua:3: of = \"bulk\", but the profile does not say who is");
    moon_cmd_wants("/profiles/My Own.lua: a profile's name is made of lower-case letters");
    moon_cmd_wants("/profiles/rules.lua: the rules are the program's own");
    moon_cmd_wants("/profiles/providers.lua:2: dated must be a date like");
    assert_null(strstr(moon_cmd_printed, "acme.lua"));
    drop("profiles/My Own.lua");
    drop("profiles/rules.lua");
    drop("profiles/providers.lua");
    drop("tenants/acme.lua");
    drop("tenants.map");
    publish_case_put("profiles/ours.lua", PROFILE("ours", "2020-01-01", "all"));
}

static void a_next_version_of_a_profile_is_noted_as_unread(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("next/profiles/ours.lua", PROFILE("ours", "2020-01-01", "all"));
    assert_int_equal(publish_case_publish("--check"), 0);
    moon_cmd_wants("/next/profiles/ours.lua is not read: a profile has no next version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_order_is_in_the_snapshot),
        cmocka_unit_test(one_that_is_older_than_the_programs_is_noted),
        cmocka_unit_test(mistakes_stop_the_publishing_and_are_told_once),
        cmocka_unit_test(a_next_version_of_a_profile_is_noted_as_unread),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, publish_case_begin, moon_cmd_end);
}
