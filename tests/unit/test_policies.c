/* SPDX-License-Identifier: MIT
 *
 * Tests of the built-in policies, and of those of the demo (tests/policy/demo).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/policy_case.h"

/* A file of the tree; unit tests run at its root. */
static const char *text_of(const char *path)
{
    static char text[2][16384];
    static int turn;
    char *out = text[turn = !turn];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read: run the tests from the tree's root", path);
    out[fread(out, 1, sizeof text[0] - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return out;
}

#define P(word) MOON_DMARC_POLICY_##word
#define R(word) MOON_RESULT_##word
#define V(word) MOON_VERDICT_##word

static void the_built_in_policies_do_what_they_say(void **state)
{
    static const struct {
        const char *policy;
        enum moon_result result;
        enum moon_dmarc_policy asked;
        enum moon_verdict_kind want;
        const char *esc, *override;
    } table[] = {
        /* RFC 9989 section 7.4: reject without other knowledge quarantines */
        {"standard", R(FAIL), P(REJECT), V(QUARANTINE), NULL, "local_policy"},
        {"standard", R(FAIL), P(QUARANTINE), V(QUARANTINE), NULL, NULL},
        {"standard", R(FAIL), P(NONE), V(ACCEPT), NULL, NULL},
        {"standard", R(PASS), P(REJECT), V(ACCEPT), NULL, NULL},
        {"standard", R(NONE), P(ABSENT), V(ACCEPT), NULL, NULL},
        {"standard", R(TEMPERROR), P(ABSENT), V(ACCEPT), NULL, NULL},
        {"standard", R(PERMERROR), P(ABSENT), V(ACCEPT), NULL, NULL},
        /* RFC 9989 section 7.2 */
        {"strict", R(FAIL), P(REJECT), V(REJECT), "5.7.1", NULL},
        {"strict", R(FAIL), P(QUARANTINE), V(QUARANTINE), NULL, NULL},
        {"strict", R(FAIL), P(NONE), V(ACCEPT), NULL, NULL},
        {"strict", R(PASS), P(REJECT), V(ACCEPT), NULL, NULL},
        {"strict", R(TEMPERROR), P(ABSENT), V(ACCEPT), NULL, NULL},
        {"strict", R(NONE), P(ABSENT), V(ACCEPT), NULL, NULL},
        {"monitor", R(FAIL), P(REJECT), V(ACCEPT), NULL, "local_policy"},
        {"monitor", R(FAIL), P(QUARANTINE), V(ACCEPT), NULL, "local_policy"},
        {"monitor", R(FAIL), P(NONE), V(ACCEPT), NULL, NULL},
        {"monitor", R(TEMPERROR), P(ABSENT), V(ACCEPT), NULL, NULL},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy_case c;
        policy_case_begin(&c);
        c.conf.policy = table[i].policy;
        c.results.dmarc.result = table[i].result;
        c.results.dmarc.policy = table[i].asked;
        struct moon_verdict v = policy_case_decide(&c);
        if (v.failure || v.kind != table[i].want)
            fail_msg("%s %s %s: got %d %s, want %d", table[i].policy,
                     moon_result_name(table[i].result), moon_dmarc_policy_name(table[i].asked),
                     (int)v.kind, v.failure ? v.failure : "", (int)table[i].want);
        assert_true(table[i].esc ? v.esc && !strcmp(v.esc, table[i].esc) : !v.esc);
        assert_true(table[i].override ? v.override && !strcmp(v.override, table[i].override)
                                      : !v.override);
        if (v.kind == MOON_VERDICT_REJECT) {
            assert_non_null(strstr(v.text, "DMARC"));
            assert_non_null(strstr(v.text, "bank.example"));
        }
        policy_case_end(&c);
    }
}

static void begin_alumni(struct policy_case *c)
{
    policy_case_begin(c);
    policy_case_add(c, "tenant/acme", "tenants/acme/policy.lua");
    policy_case_add(c, "policy/tenants/acme/policy.lua",
                    text_of("tests/policy/demo/alumni/policy.lua"));
    policy_case_add(c, "list/tenants/acme/lists/forwarders.lua",
                    text_of("tests/policy/demo/alumni/lists/forwarders.lua"));
    c->conf.policy = "strict";
    c->sigs[1].domain = "alumni.example";
}

static void alumni_mail_of_a_listed_forwarder_is_taken(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_alumni(&c);
    struct moon_verdict v = policy_case_decide(&c);
    assert_null(v.failure);
    assert_int_equal(v.kind, MOON_VERDICT_ACCEPT);
    assert_string_equal(v.override, "trusted_forwarder");
    assert_string_equal(v.comment,
                        "University of Example alumni service: agreed with their postmaster");
    assert_string_equal(v.layer, "tenant");
    assert_string_equal(v.via->list, "tenants/acme/lists/forwarders.lua");
    assert_string_equal(v.via->by, "dkim=alumni.example recipients=acme.example");
    policy_case_end(&c);
}

static void alumni_mail_of_others_is_left_to_the_layers_below(void **state)
{
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 3; i++) {
        struct policy_case c;
        begin_alumni(&c);
        if (i == 0)
            c.sigs[1].result = MOON_RESULT_FAIL; /* a signature that anybody can write */
        else if (i == 1)
            c.sigs[1].domain = "alumni.example.evil.example";
        else
            c.sigs[1].domain = "lists.example"; /* right forwarder, wrong network below */
        if (i == 2)
            assert_true(moon_ip_parse(MOON_SPAN("198.51.100.1"), &c.msg.session.ip));
        struct moon_verdict v = policy_case_decide(&c);
        assert_null(v.failure);
        assert_int_equal(v.kind, MOON_VERDICT_REJECT);
        assert_string_equal(v.layer, "built-in");
        policy_case_end(&c);
    }
}

static void mail_to_abuse_alone_is_always_taken(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_alumni(&c);
    c.sigs[1].result = MOON_RESULT_FAIL;
    c.recipients[0].address = "Abuse@acme.example";
    c.input.recipient_count = 1;
    struct moon_verdict v = policy_case_decide(&c);
    assert_int_equal(v.kind, MOON_VERDICT_ACCEPT);
    assert_string_equal(v.layer, "recipient");
    policy_case_end(&c);
}

static void the_careful_tenant_defers_when_dns_is_in_trouble(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    for (int known = 0; known < 2; known++) {
        policy_case_begin(&c);
        policy_case_policy(&c, text_of("tests/policy/demo/careful/policy.lua"));
        c.results.dmarc.result = MOON_RESULT_TEMPERROR;
        if (!known)
            c.results.from.domain = NULL;
        struct moon_verdict v = policy_case_decide(&c);
        assert_null(v.failure);
        assert_int_equal(v.kind, MOON_VERDICT_DEFER);
        assert_string_equal(v.esc, "4.7.0");
        assert_non_null(strstr(v.text, known ? "bank.example" : "the author's domain"));
        policy_case_end(&c);
    }
}

static void the_careful_tenant_refuses_spoofs_of_itself(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    for (int pass = 0; pass < 2; pass++) {
        policy_case_begin(&c);
        policy_case_policy(&c, text_of("tests/policy/demo/careful/policy.lua"));
        policy_case_add(&c, "domain/bank.example", "acme");
        c.results.dmarc.result = pass ? MOON_RESULT_PASS : MOON_RESULT_NONE;
        struct moon_verdict v = policy_case_decide(&c);
        assert_null(v.failure);
        assert_int_equal(v.kind, pass ? MOON_VERDICT_ACCEPT : MOON_VERDICT_REJECT);
        policy_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_policies_do_what_they_say),
        cmocka_unit_test(alumni_mail_of_a_listed_forwarder_is_taken),
        cmocka_unit_test(alumni_mail_of_others_is_left_to_the_layers_below),
        cmocka_unit_test(mail_to_abuse_alone_is_always_taken),
        cmocka_unit_test(the_careful_tenant_defers_when_dns_is_in_trouble),
        cmocka_unit_test(the_careful_tenant_refuses_spoofs_of_itself),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
