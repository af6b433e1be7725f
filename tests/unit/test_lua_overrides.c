/* SPDX-License-Identifier: MIT
 *
 * Tests of what policies override DMARC by: lists and forwarders as facts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

/* The policy's expression must be true. */
static void expect_true(struct policy_case *c, const char *expression)
{
    char text[2048];
    (void)snprintf(text, sizeof text, HEAD "if %s then return moon.discard {} end" TAIL,
                   expression);
    policy_case_policy(c, text);
    struct moon_verdict verdict = policy_case_decide(c);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: %s", expression, verdict.failure ? verdict.failure : "is false");
    policy_case_end(c);
}

static void the_owner_of_a_list_may_be_verified(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    expect_true(&c, "m.list.id and not m.list.verified and m.list.verified_by == nil");
    policy_case_begin(&c);
    c.sigs[1].domain = "alumni.example";
    expect_true(&c, "m.list.verified and m.list.verified_by == 'dkim' and "
                    "m.list.verified_domain == 'alumni.example'");
}

static void what_a_forwarder_says_can_be_read(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    expect_true(&c, "m.forwarding.pattern == nil and not m.forwarding.verified and "
                    "m.forwarding.forwarder == nil");
    policy_case_begin(&c);
    c.msg.mail_from = "SRS0=UmZf=4G=bank.example=a@fwd.example";
    expect_true(&c, "m.forwarding.pattern == 'srs' and m.forwarding.verified and "
                    "m.forwarding.forwarder == 'fwd.example' and "
                    "m.forwarding.original == 'a@bank.example' and "
                    "m.forwarding.original_domain == m.from.domain and "
                    "m.forwarding.mailbox == nil and m.forwarding.destination == nil");
    policy_case_begin(&c);
    c.msg.mail_from = "joe+caf_=x=acme.example@fwd.example";
    c.results.spf.result = MOON_RESULT_SOFTFAIL;
    expect_true(&c, "m.forwarding.pattern == 'gmail' and not m.forwarding.verified and "
                    "m.forwarding.mailbox == 'joe@fwd.example' and "
                    "m.forwarding.destination == m.recipients[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_of_a_list_may_be_verified),
        cmocka_unit_test(what_a_forwarder_says_can_be_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
