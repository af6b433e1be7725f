/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/review.c: what `moonscan publish` warns of in lists that are in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/status.h"
#include "engine/cmd/cmd.h"
#include "tests/support/publish_case.h"

#define NOW "1790000000" /* 2026-09-21 */

static const char policy[] = "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
                             "return { message = function(m) end }\n";

/* Publishes with this list; what was printed is in moon_cmd_printed. */
static void publish_list(const char *list, const char *more)
{
    const char *words[] = {"publish",     "--config-dir", publish_etc,
                           "--state-dir", publish_var,    "--time",
                           NOW,           more,           NULL};
    publish_case_put("site.lua", policy);
    publish_case_put("lists/fwd.lua", list);
    assert_int_equal(moon_cmd_run(moon_cmd_publish, words), MOON_EXIT_OK);
}

/* How often a text was printed. */
static unsigned times(const char *text)
{
    unsigned count = 0;
    for (const char *at = moon_cmd_printed; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void entries_that_lapse_or_are_too_wide_are_told(void **state)
{
    static const struct {
        const char *entry, *want; /* NULL: no warning */
    } table[] = {
        {"'lists.example'", NULL},
        {"{ name = 'a', dkim = 'l.example', expires = '2026-09-20' }",
         "lists/fwd.lua:2: 'a' expired on 2026-09-20 and matches nothing: renew it or remove it"},
        {"{ name = 'a', dkim = 'l.example', expires = '2026-09-21' }",
         "'a' expires on 2026-09-21, in 0 days"},
        {"{ name = 'a', dkim = 'l.example', expires = '2026-09-22' }",
         "'a' expires on 2026-09-22, in 1 day\n"},
        {"{ name = 'a', dkim = 'l.example', expires = '2026-10-04' }", "in 13 days"},
        {"{ name = 'a', dkim = 'l.example', expires = '2026-10-05' }", NULL},
        {"{ name = 'a', dkim = 'l.example', from = '.co.uk' }",
         "'a' is too wide: from = \".co.uk\" is a public suffix"},
        {"{ name = 'a', dkim = 'l.example', from = { 'bank.co.uk', '.bank.co.uk' } }", NULL},
        {"{ name = 'a', dkim = 'l.example', from = '.com' }",
         "'a' is too wide: from = \".com\" is a public suffix"},
        {"{ name = 'a', spf = 'co.uk' }", "spf = \"co.uk\" is a public suffix"},
        {"{ name = 'a', hosts = '.co.uk' }", "hosts = \".co.uk\" is a public suffix"},
        {"{ name = 'a', list_id = '.co.uk' }", "list_id = \".co.uk\" is a public suffix"},
        {"{ name = 'a', dkim = 'l.example', mail_from = 'x@co.uk' }",
         "mail_from = \"x@co.uk\" is a public suffix"},
        {"'gmail.com'",
         "'gmail.com' is too wide: dkim = \"gmail.com\" proves only that somebody has"},
        {"{ name = 'a', spf = { 'l.example', 'outlook.com' } }",
         "spf = \"outlook.com\" proves only"},
        {"{ name = 'a', hosts = '.google.com' }", "hosts = \".google.com\" proves only"},
        {"{ name = 'a', dkim = 'gmail.com', spf = 'l.example' }", NULL},
        {"{ name = 'a', dkim = 'gmail.com', networks = '192.0.2.1' }", NULL},
        {"{ name = 'a', networks = '192.0.0.0/15' }", "networks = \"192.0.0.0/15\" has more hosts"},
        {"{ name = 'a', networks = '192.0.0.0/16' }", NULL},
        {"{ name = 'a', networks = '192.0.0.0/15', dkim = 'l.example' }", NULL},
        {"{ name = 'a', networks = '2001:db8::/31' }", "has more hosts than one organization"},
        {"{ name = 'a', networks = '2001:db8::/32' }", NULL},
        {"{ name = 'a', networks = '::/0', dkim = 'l.example' }", "is every address there is"},
        {"{ name = 'a', arc = 'l.example' }",
         "'a' is too wide: what l.example seals may come from anybody; name from, recipients or"},
        {"{ name = 'a', arc = 'l.example', from = 'bank.example' }", NULL},
        {"{ name = 'a', arc = 'l.example', recipients = 'acme.example' }", NULL},
        {"{ name = 'a', arc = 'l.example', networks = '192.0.2.1' }", NULL},
        {"{ name = 'a', from = 'gmail.com', verdict = 'reject' }", NULL},
        {"'l.example', 'x.example', 'L.example'", "lists/fwd.lua:2: 'l.example' stands in line 2"},
        {"{ name = 'a', dkim = 'l.example' },\n{ name = 'a', dkim = 'x.example' }",
         "lists/fwd.lua:3: 'a' has the name of the entry in line 2: their hits cannot be told"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char list[500];
        (void)snprintf(list, sizeof list, "return {\n%s\n}\n", table[i].entry);
        publish_list(list, "--check");
        if (times("  warning: ") != (table[i].want != NULL) ||
            (table[i].want && !strstr(moon_cmd_printed, table[i].want)))
            fail_msg("%s: got %s, want %s", table[i].entry, moon_cmd_printed,
                     table[i].want ? table[i].want : "no warning");
    }
}

static void warnings_hinder_nothing(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_list(
        "return { 'gmail.com', { name = 'a', dkim = 'l.example', expires = '2020-01-01' } }", NULL);
    assert_non_null(strstr(moon_cmd_printed, "published "));
    assert_int_equal(times("  warning: "), 2);
    assert_non_null(publish_case_in_force("list/lists/fwd.lua"));
}

static void a_list_that_nobody_reads_is_told(void **state)
{
    static const char plain[] = "return { 'l.example' }\n";
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua", policy);
    publish_case_put("tenants/beta/policy.lua", "local moon = require 'moonscan'\n"
                                                "-- fwd, but not \"fwd2\" or 'fw'\n"
                                                "return { message = function(m) end }\n");
    publish_case_put("tenants/lists/fwd.lua", plain);
    publish_case_put("tenants/lists/fwd2.lua", plain);
    publish_case_put("tenants/beta/lists/fwd.lua", plain);
    publish_case_put("tenants/beta/lists/fwd2.lua", plain);
    publish_case_put("lists/f.lua", plain);
    publish_case_put("policies/gold.lua", "-- \"shared\"\nreturn { message = function(m) end }\n");
    publish_case_put("tenants/beta/lists/shared.lua", plain);
    publish_list(plain, "--check");
    assert_int_equal(times("  warning: "), 3);
    assert_int_equal(times("no policy beside it reads this list"), 3);
    moon_cmd_wants("tenants/lists/fwd2.lua: no policy");
    moon_cmd_wants("tenants/beta/lists/fwd.lua: no policy");
    moon_cmd_wants("etc/lists/f.lua: no policy");
}

static void a_thousand_warnings_are_counted(void **state)
{
    static char list[80000];
    size_t n = 0;
    (void)state; /* cmocka's, not used */
    n += (size_t)snprintf(list, sizeof list, "return {\n");
    for (unsigned i = 0; i < 1000; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "{ name = 'e%u', spf = 'co.uk' },\n", i);
    (void)snprintf(list + n, sizeof list - n, "}\n");
    publish_list(list, "--check");
    assert_int_equal(times("  warning: "), 101);
    moon_cmd_wants("  warning: 900 more are not shown\n");
}

/* What a site copies to begin with has nothing to mend. */
static void the_shipped_policies_are_published_without_a_warning(void **state)
{
    glob_t found;
    (void)state; /* cmocka's, not used */
    assert_int_equal(glob("policies/*/moonscan.lua", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 6);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *dir = found.gl_pathv[i];
        *strrchr(dir, '/') = '\0';
        const char *const words[] = {"publish", "--check",     "--config-dir",
                                     dir,       "--state-dir", publish_var,
                                     "--time",  NOW,           NULL};
        if (moon_cmd_run(moon_cmd_publish, words) != MOON_EXIT_OK || times("  warning: "))
            fail_msg("%s: %s", dir, moon_cmd_printed);
    }
    globfree(&found);
}

static void a_time_that_is_none_is_refused(void **state)
{
    const char *const words[] = {"publish", "--time", "soon", NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_cmd_run(moon_cmd_publish, words), MOON_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_that_lapse_or_are_too_wide_are_told,
                                        publish_case_begin, moon_cmd_end),
        cmocka_unit_test_setup_teardown(warnings_hinder_nothing, publish_case_begin, moon_cmd_end),
        cmocka_unit_test_setup_teardown(a_list_that_nobody_reads_is_told, publish_case_begin,
                                        moon_cmd_end),
        cmocka_unit_test_setup_teardown(a_thousand_warnings_are_counted, publish_case_begin,
                                        moon_cmd_end),
        cmocka_unit_test_setup_teardown(the_shipped_policies_are_published_without_a_warning,
                                        publish_case_begin, moon_cmd_end),
        cmocka_unit_test_setup_teardown(a_time_that_is_none_is_refused, publish_case_begin,
                                        moon_cmd_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
