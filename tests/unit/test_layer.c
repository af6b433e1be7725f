/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/layer.c: the site's locked rules, and what may stand in a policy's table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/policy_case.h"

#define MOON     "local moon = require 'moonscan'\n"
#define TENANT   MOON "return { message = function(m) return moon.reject {} end }"
#define LOCKS(f) MOON "return { locked = function(m)\n" f "\nend, "
#define OPEN     "message = function(m) return moon.defer {} end }"

/* The standard message with these texts; a NULL is no file. */
static struct moon_verdict decide(struct policy_case *c, const char *site, const char *tenant)
{
    policy_case_begin(c);
    if (site) {
        policy_case_add(c, "site", "site.lua");
        policy_case_add(c, "policy/site.lua", site);
    }
    if (tenant)
        policy_case_policy(c, tenant);
    return policy_case_decide(c);
}

static void a_locked_rule_is_final_and_without_opinion_all_goes_on(void **state)
{
    static const struct {
        const char *name, *site, *tenant;
        enum moon_verdict_kind want;
        const char *layer;
    } table[] = {
        {"locked beats the tenant", LOCKS("return moon.discard {}") OPEN, TENANT,
         MOON_VERDICT_DISCARD, "locked"},
        {"locked beats the tenant's recipient group", LOCKS("return moon.discard {}") OPEN,
         MOON "local f = function(m) return moon.accept {} end\n"
              "return { recipients = { x = f, y = f } }",
         MOON_VERDICT_DISCARD, "locked"},
        {"locked can also accept", LOCKS("return moon.accept {}") OPEN, TENANT, MOON_VERDICT_ACCEPT,
         "locked"},
        {"nil goes on to the tenant", LOCKS("return nil") OPEN, TENANT, MOON_VERDICT_REJECT,
         "tenant"},
        {"nil goes on to the site", LOCKS("return nil") OPEN, NULL, MOON_VERDICT_DEFER, "site"},
        {"a site that only locks, and does not", LOCKS("return nil") "}", NULL,
         MOON_VERDICT_QUARANTINE, "built-in"},
        {"no locked at all", MOON "return { " OPEN, TENANT, MOON_VERDICT_REJECT, "tenant"},
        {"a failing lock is a failure", LOCKS("return m.dmrc") OPEN, TENANT, MOON_VERDICT_DEFER,
         "failure"},
        {"locked must be a function", "return { locked = 1, message = function(m) end }", TENANT,
         MOON_VERDICT_DEFER, "failure"},
        {"a tenant cannot lock", NULL, LOCKS("return moon.accept {}") OPEN, MOON_VERDICT_DEFER,
         "failure"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy_case c;
        struct moon_verdict first = decide(&c, table[i].site, table[i].tenant);
        struct moon_verdict again = policy_case_decide(&c); /* what was learnt changes nothing */
        if (first.kind != table[i].want || strcmp(first.layer, table[i].layer))
            fail_msg("%s: got %s of %s (%s), want %s of %s", table[i].name,
                     moon_verdict_name(first.kind), first.layer,
                     first.failure ? first.failure : "-", moon_verdict_name(table[i].want),
                     table[i].layer);
        assert_int_equal(again.kind, first.kind);
        assert_string_equal(again.layer, first.layer);
        policy_case_end(&c);
    }
}

static void a_locked_verdict_names_its_line_and_what_it_read(void **state)
{
    struct policy_case c;
    struct moon_verdict v = decide(&c,
                                   LOCKS("local a = m.spf.result\n"
                                         "return moon.reject { reason = m.from.domain }") OPEN,
                                   TENANT);
    (void)state; /* cmocka's, not used */
    assert_string_equal(v.rule, "site.lua:4");
    assert_string_equal(v.reason, "bank.example");
    assert_int_equal(v.fact_count, 2);
    assert_string_equal(v.facts[0], "spf.result");
    policy_case_end(&c);
}

/* What publishing says of `text` at `path`. */
static void expect_told(const char *path, const char *text, const char *want)
{
    struct policy_case c;
    struct moon_error error = {""};
    char key[100];
    policy_case_begin(&c);
    (void)snprintf(key, sizeof key, "policy/%s", path);
    policy_case_add(&c, key, text);
    (void)policy_case_decide(&c);
    enum moon_status status = moon_policies_check(c.policies, path, &c.input, &error);
    if ((status == MOON_OK) != !want || (want && !strstr(error.text, want)))
        fail_msg("%s: got %s, want %s", text, status ? error.text : "no mistake",
                 want ? want : "no mistake");
    policy_case_end(&c);
}

static void publishing_tells_what_nobody_would_ask(void **state)
{
    static const char *const table[][3] = {
        {"tenants/acme.lua", LOCKS("return nil") OPEN,
         "tenants/acme.lua:2: only site.lua may lock; move this rule to its function locked"},
        {"site.lua", LOCKS("return nil") OPEN, NULL},
        {"site.lua", "return { locked = 1 }", "site.lua:1: locked must be a function, not a"},
        {"site.lua", LOCKS("return m.dmrc") OPEN, "site.lua:3: m has no field 'dmrc'"},
        {"site.lua", "local p = {}\nfunction p.message(m) end\nfunction p.loked(m) end\nreturn p",
         "site.lua:3: nobody asks 'loked' of a policy; is 'locked' meant?"},
        {"tenants/acme.lua", "return { message = function(m) end,\nrecipient = {} }",
         "nobody asks 'recipient' of a policy; is 'recipients' meant?"},
        {"tenants/acme.lua",
         "return { message = function(m) end, tests = {}, helper = 1, [1] = 2 }", NULL},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_told(table[i][0], table[i][1], table[i][2]);
}

/* The groups are asked by nobody of the trial. */
static void publishing_looks_through_all_groups(void **state)
{
    static const char *const table[][2] = {
        {"nobody = moon.accept {}",
         "3: recipients.nobody is a verdict, not a function of this file; write: nobody = "
         "function(m) return moon.accept { } end"},
        {"f1 = f,\nnobody = 5", "4: recipients.nobody is a number, not a function"},
        {"nobody = moon.accept", "3: recipients.nobody is a function of moonscan, not a function"},
        {"[\"a-b\"] = true", "3: recipients[\"a-b\"] is a boolean, not a function of this file; "
                             "write: [\"a-b\"] = function(m)"},
        {"\n'nobody', f", "3: recipients wants names: { postmaster = policy.message, "},
        {"\n['nobody@'] = f", "4: recipients[\"nobody@\"]: the domain is missing; a key is"},
        {"['@x.example'] = f", "3: recipients[\"@x.example\"]: the local part is missing"},
        {"[''] = f", "3: recipients[\"\"]: the local part is missing"},
        {"Nobody = f", "3: recipients.Nobody: it is never asked: write it in lower case"},
        {"['no body'] = f", "3: recipients[\"no body\"]: nobody has that address"},
        {"['<a@b>'] = f", "3: recipients[\"<a@b>\"]: nobody has that address"},
        {"['*'] = f", "3: recipients[\"*\"]: a group has no wildcards"},
        {"['a@*.example'] = f", "3: recipients[\"a@*.example\"]: a group has no wildcards"},
        {"nobody = f, ['a@b.example'] = f, ['a+b'] = f, ['a@b@c'] = f", NULL},
        {"", NULL},
    };
    char text[500], want[300];
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        (void)snprintf(text, sizeof text,
                       "local moon = require 'moonscan'\nlocal function f(m) end\n"
                       "return { recipients = { %s },\n message = f }",
                       table[i][0]);
        (void)snprintf(want, sizeof want, "tenants/acme.lua:%s", table[i][1] ? table[i][1] : "");
        expect_told("tenants/acme.lua", text, table[i][1] ? want : NULL);
    }
    expect_told("tenants/acme.lua", "local p = {}\n\np.recipients = 5\nreturn p",
                "tenants/acme.lua:3: recipients must be a table of functions");
    expect_told("tenants/acme.lua",
                "local p = { recipients = {} }\nfor _, n in ipairs { 'x' } do\n"
                "  p.recipients[n] = 1\nend\nreturn p",
                "tenants/acme.lua:1: recipients.x is a number");
    expect_told("tenants/acme.lua", "local p = { recipients = {} }\np.recipients.x = 1\nreturn p",
                "tenants/acme.lua:2: recipients.x is a number");
}

/* A file that is tried out (check --policy) is looked through likewise. */
static void a_file_that_is_tried_has_its_groups_looked_through(void **state)
{
    static const char text[] =
        "return { recipients = {\n nobody = 5 }, message = function(m) end }";
    char path[] = "/tmp/moon-layer-XXXXXX";
    struct policy_case c;
    struct moon_error error = {""};
    int fd = mkstemp(path);
    (void)state; /* cmocka's, not used */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    policy_case_begin(&c);
    (void)policy_case_decide(&c);
    assert_int_equal(moon_policies_use_file(c.policies, path, &error), MOON_OK);
    struct moon_verdict verdict = {.kind = MOON_VERDICT_NONE};
    assert_int_equal(moon_policy_decide(c.policies, c.arena, &c.input, &verdict), MOON_OK);
    assert_non_null(verdict.failure);
    assert_non_null(strstr(verdict.failure, ":2: recipients.nobody is a number, not a function"));
    policy_case_end(&c);
    assert_int_equal(unlink(path), 0);
}

static void a_limit_says_which_setting_raises_it(void **state)
{
    static const char *const table[][2] = {
        {"while true do end", "tenants/acme.lua:1: instruction limit of 10000000 reached; mend "
                              "this policy, or raise limits.policy_instructions"},
        {"local s = 'x' while true do s = s .. s end",
         "tenants/acme.lua:1: memory limit of 8388608 bytes reached; mend this policy, or raise "
         "limits.policy_bytes"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        struct moon_verdict verdict = decide(&c, NULL, table[i][0]);
        assert_string_equal(verdict.failure, table[i][1]);
        assert_string_equal(verdict.rule, "tenants/acme.lua:1");
        policy_case_end(&c);
    }
}

static void wall_time_is_limited(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(&c, "return { message = function(m)\nwhile true do end end }");
    c.conf.policy_instructions = INT64_MAX;
    c.conf.policy_ms = 30;
    struct moon_verdict verdict = policy_case_decide(&c);
    assert_string_equal(verdict.failure, "tenants/acme.lua:2: time limit of 30 ms reached; mend "
                                         "this policy, or raise limits.policy_ms");
    assert_string_equal(verdict.rule, "tenants/acme.lua:2");
    policy_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_time_is_limited),
        cmocka_unit_test(a_limit_says_which_setting_raises_it),
        cmocka_unit_test(a_locked_rule_is_final_and_without_opinion_all_goes_on),
        cmocka_unit_test(a_locked_verdict_names_its_line_and_what_it_read),
        cmocka_unit_test(publishing_tells_what_nobody_would_ask),
        cmocka_unit_test(publishing_looks_through_all_groups),
        cmocka_unit_test(a_file_that_is_tried_has_its_groups_looked_through),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
