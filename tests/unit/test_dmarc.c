/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc.c: which policy speaks, t, errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/dmarc_case.h"

static void check_reason(const struct dmarc_case *test, enum moon_result result, const char *reason)
{
    struct dmarc_outcome out;
    dmarc_case_run(test, 0, &out);
    assert_int_equal(out.status, MOON_OK);
    assert_int_equal(out.results.dmarc.result, result);
    assert_string_equal(out.results.dmarc.reason, reason);
    dmarc_case_end(&out);
}

/* RFC 9989 sections 4.7 (p, sp, np), 4.10.1 and 3.2.13 */
static void the_tag_that_speaks_depends_on_where_the_record_is(void **state)
{
    static const struct dmarc_row rows[] = {
        /* the Author's own record: p, whatever sp and np say */
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; sp=reject; np=reject\"",
          .author = "example.com"},
         "fail policy=quarantine tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=quarantine; sp=reject\"\n"
                  "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=none\"",
          .author = "a.example.com"},
         "fail policy=quarantine tag=p at=a.example.com org=example.com"},
        /* a subdomain that exists: sp, else p */
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"\n"
                  "a.example.com A 192.0.2.1",
          .author = "a.example.com"},
         "fail policy=quarantine tag=sp at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; np=none\"\n"
                  "a.example.com A 192.0.2.1",
          .author = "a.example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* one that does not exist: np, else sp, else p */
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"",
          .author = "a.example.com"},
         "fail policy=reject tag=np at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine\"",
          .author = "a.example.com"},
         "fail policy=quarantine tag=sp at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"", .author = "a.example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 3.2.13 and appendix A.4. Trap: RFC 9091 asked for A, AAAA and MX. */
static void only_nxdomain_means_that_a_domain_does_not_exist(void **state)
{
    static const char record[] = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n";
    static const char *const exists[] = {
        "a.example.com TXT \"x\"",        "a.example.com PTR x.example.com",
        "x.a.example.com A 192.0.2.1",    "*.example.com MX 10 x.example.com",
        "_dmarc.a.example.com TXT \"x\"",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof exists / sizeof *exists; i++) {
        char zone[300];
        (void)snprintf(zone, sizeof zone, "%s%s", record, exists[i]); /* fits */
        struct dmarc_case test = {.zone = zone, .author = "a.example.com"};
        dmarc_case_check(&test, "fail policy=none tag=p at=example.com org=example.com");
    }
    struct dmarc_case test = {.zone = record, .author = "a.example.com"};
    dmarc_case_check(&test, "fail policy=reject tag=np at=example.com org=example.com");
}

/* RFC 9989 sections 4.7 (p) and 4.10.1. Trap: an invalid sp also drops a valid p=reject. */
static void a_record_without_valid_policies_is_p_none_when_it_wants_reports(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; rua=mailto:a@example.com\"",
          .author = "example.com"},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=bogus; rua=mailto:a@example.com!5m\"",
          .author = "example.com"},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=bogus; "
                  "rua=x,mailto:a@example.com\"",
          .author = "example.com",
          .spf = "pass example.com"},
         "pass policy=none tag=p at=example.com org=example.com spf"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; np=bogus; rua=https://x.example\"",
          .author = "a.example.com"},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1\"", .author = "example.com"},
         "permerror policy=- tag=- at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=bogus; rua=nobody\"",
          .author = "example.com",
          .spf = "pass example.com"},
         "permerror policy=- tag=- at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 4.7, t */
static void test_mode_asks_for_one_level_less(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=y\"", .author = "example.com"},
         "fail policy=quarantine tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; t=y\"",
          .author = "example.com"},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; t=y\"", .author = "example.com"},
         "fail policy=none tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject; t=y\"",
          .author = "a.example.com"},
         "fail policy=quarantine tag=np at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=n\"", .author = "example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
    dmarc_case_run(&rows[0].test, 0, &out);
    assert_int_equal(out.results.dmarc.published, MOON_DMARC_POLICY_REJECT);
    assert_true(out.results.dmarc.testing);
    dmarc_case_end(&out);
}

/* RFC 9989 section 9.3, appendix C: pct is historic. Trap: "sampled out" means pass. */
static void pct_has_no_effect_with_the_tree_walk(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=0\"",
          .author = "example.com",
          .pct_draw = 99},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 4.10.1: "MUST NOT apply the DMARC mechanism" */
static void without_a_record_the_result_is_none(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "example.com A 192.0.2.1", .author = "example.com", .spf = "pass example.com"},
         "none policy=- tag=- at=- org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=spf1 -all\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"",
          .author = "a.example.com"},
         "none policy=- tag=- at=- org=a.example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
    check_reason(&rows[0].test, MOON_RESULT_NONE, "no DMARC record for example.com");
    struct dmarc_outcome out; /* the facts of it are the RFC's defaults */
    dmarc_case_run(&rows[0].test, 0, &out);
    assert_int_equal(out.results.dmarc.adkim, 'r');
    assert_int_equal(out.results.dmarc.aspf, 'r');
    assert_int_equal(out.results.dmarc.psd, 'u');
    dmarc_case_end(&out);
}

/* RFC 9989 sections 5.3.1 and 11.5 */
static void without_one_author_domain_dmarc_cannot_be_applied(void **state)
{
    static const struct dmarc_case test = {.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
                                           .spf = "pass example.com"};
    (void)state; /* cmocka's, not used */
    dmarc_case_check(&test, "permerror policy=- tag=- at=- org=-");
    check_reason(&test, MOON_RESULT_PERMERROR, "several");
}

/* RFC 9989 sections 4.10.1 and 5.3.6. Trap: DNS trouble becomes fail, or the policy is lost. */
static void dns_trouble_before_the_policy_is_known_is_temperror(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TIMEOUT", .author = "example.com", .spf = "pass example.com"},
         "temperror policy=- tag=- at=- org=-"},
        {{.zone = "_dmarc.a.example.com SERVFAIL\n"
                  "_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
          .author = "a.example.com"},
         "temperror policy=- tag=- at=- org=-"},
        {{.zone = "_dmarc.example.com SERVFAIL\na.example.com A 192.0.2.1",
          .author = "a.example.com"},
         "temperror policy=- tag=- at=- org=-"},
        /* behind psd=n nothing is needed any more */
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n_dmarc.com TIMEOUT",
          .author = "example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
    check_reason(&rows[1].test, MOON_RESULT_TEMPERROR, "_dmarc.a.example.com: SERVFAIL");
}

/* RFC 9989 section 5.3.6: only NXDOMAIN chooses np, and DNS did not say */
static void dns_trouble_with_the_author_domain_is_temperror_when_np_would_differ(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n"
                  "a.example.com TXT TIMEOUT",
          .author = "a.example.com"},
         "temperror policy=- tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; np=reject\"\n"
                  "a.example.com TXT TIMEOUT",
          .author = "a.example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n"
                  "a.example.com TXT TIMEOUT",
          .author = "a.example.com",
          .spf = "pass a.example.com"},
         "pass policy=none tag=p at=example.com org=example.com spf"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* A bank that is its own organization for the tree walk (psd=n) and a customer for the list. */
static void comparing_changes_nothing_but_the_other_result(void **state)
{
    const struct dmarc_case test = {.zone =
                                        "_dmarc.bank.example.com TXT \"v=DMARC1; p=reject; psd=n\"",
                                    .author = "bank.example.com",
                                    .spf = "pass other.example.com",
                                    .dkim = {"pass mail.example.com"}};
    struct dmarc_outcome out;
    size_t n = 1;
    enum moon_status status = MOON_ENOMEM;

    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_false(out.results.dkim.sigs[0].aligned);
    for (; n < 100 && status == MOON_ENOMEM; n++) {
        moon_arena_fail_at(out.arena, n);
        status = moon_dmarc_compare(out.arena, out.dns, MOON_DMARC_DISCOVERY_PSL, 0, &out.results);
        assert_true((status == MOON_OK) == (out.results.dmarc_other != NULL));
    }
    assert_int_equal(status, MOON_OK);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_FAIL);
    assert_false(out.results.dkim.sigs[0].aligned);
    assert_false(out.results.spf.aligned);
    assert_int_equal(out.results.dmarc_other->result, MOON_RESULT_PASS);
    assert_true(out.results.dmarc_other->dkim_aligned && out.results.dmarc_other->spf_aligned);
    assert_true(moon_dmarc_differs(&out.results.dmarc, out.results.dmarc_other));
    assert_false(moon_dmarc_differs(&out.results.dmarc, &out.results.dmarc));
    dmarc_case_end(&out);
}

/* A large piece of memory may be missing where a small one is still there: what could not be read
 * must not look like what is not there. */
static void memory_that_ends_anywhere_is_no_result(void **state)
{
    static char zone[2000] =
        "_dmarc.example.com TXT \"v=DMARC1; p=reject; rua=mailto:r@example.com\"";
    struct dmarc_case test = {.zone = zone, .author = "a.example.com", .spf = "pass b.example.com"};
    struct dmarc_outcome out;
    bool passed = false;
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 15; i++)
        strncat(zone, " \",mailto:a-mailbox-of-a-long-name-for-aggregate-reports@example.com\"",
                sizeof zone - strlen(zone) - 1);
    for (size_t left = 0; !passed; left += 16) {
        assert_true(left < 100000);
        test.arena_left = left ? left : SIZE_MAX;
        dmarc_case_run(&test, 0, &out);
        passed = out.status == MOON_OK && out.results.dmarc.result == MOON_RESULT_PASS;
        if (passed) {
            assert_string_equal(out.results.dmarc.policy_domain, "example.com");
            assert_string_equal(out.results.dmarc.organizational_domain, "example.com");
        } else if (out.status == MOON_OK) { /* DNS without memory is DNS without an answer */
            assert_int_equal(out.results.dmarc.result, MOON_RESULT_TEMPERROR);
        } else {
            assert_int_equal(out.status, MOON_ENOMEM);
        }
        dmarc_case_end(&out);
    }
}

static void the_facts_of_the_record_are_kept(void **state)
{
    struct dmarc_case test = {.zone = "_dmarc.example.com TXT "
                                      "\"v=DMARC1; p=reject; adkim=s; aspf=s; psd=n; x=y; p=none\"",
                              .author = "example.com"};
    struct dmarc_outcome out;
    const struct moon_dmarc *dmarc = &out.results.dmarc;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_string_equal(dmarc->record, "v=DMARC1; p=reject; adkim=s; aspf=s; psd=n; x=y; p=none");
    assert_int_equal(dmarc->tag_count, 7);
    assert_string_equal(dmarc->tags[5].name, "x");
    assert_int_equal(dmarc->adkim, 's');
    assert_int_equal(dmarc->aspf, 's');
    assert_int_equal(dmarc->psd, 'n');
    assert_string_equal(dmarc->error, "record of example.com: a second p");
    assert_string_equal(dmarc->reason, "nothing that passed is aligned with example.com");
    assert_int_equal(dmarc->walk_queries, 1);
    dmarc_case_end(&out);
    test.psl = true; /* knows no psd=; and now one is aligned */
    test.dkim[0] = "pass example.com";
    dmarc_case_run(&test, 0, &out);
    assert_int_equal(dmarc->psd, 'u');
    assert_string_equal(dmarc->reason, "DKIM of example.com is aligned");
    dmarc_case_end(&out);
}

/* RFC 9990 section 3.1.1.3 (error): the owner is told also where no policy could be applied. */
static void errors_of_records_are_kept_without_a_policy(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=bogus\"", .author = "example.com"},
         "record of example.com: ill-formed p"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
          .author = "example.com"},
         "_dmarc.example.com has 2 DMARC records"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n"
                  "_dmarc.example.com TXT \"v=DMARC1; sp=bogus\"",
          .author = "a.example.com"},
         "_dmarc.a.example.com has 2 DMARC records; record of example.com: ill-formed sp"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dmarc_outcome out;
        dmarc_case_run(&rows[i].test, 0, &out);
        assert_int_equal(out.status, MOON_OK);
        assert_int_equal(out.results.dmarc.policy, MOON_DMARC_POLICY_ABSENT);
        assert_string_equal(out.results.dmarc.error, rows[i].want);
        dmarc_case_end(&out);
    }
}

/* RFC 9989 section 5.3.5: an identifier counts when it is aligned and has passed. */
static void the_reason_names_what_is_aligned_and_has_passed(void **state)
{
    static const char zone[] = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"";
    static const struct dmarc_row rows[] = {
        {{.zone = zone,
          .author = "example.com",
          .dkim = {"fail a.example.com", "pass esp.example", "pass b.example.com"}},
         "DKIM of b.example.com is aligned"},
        {{.zone = zone,
          .author = "example.com",
          .spf = "pass c.example.com",
          .dkim = {"pass esp.example", "pass b.example.com"}},
         "DKIM of b.example.com is aligned, and so is SPF"},
        {{.zone = zone,
          .author = "example.com",
          .spf = "pass c.example.com",
          .dkim = {"fail a.example.com", "pass esp.example"}},
         "SPF of c.example.com is aligned"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_reason(&rows[i].test, MOON_RESULT_PASS, rows[i].want);
}

/* One round of questions, and whether the Author Domain exists is asked with them. */
static void everything_is_asked_in_one_round(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; np=none\"",
        .author = "a.b.example.com",
        .spf = "pass esp.example",
        .dkim = {"pass esp.example", "pass example.com", "pass b.example.com"}};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_PASS);
    struct moon_dns_stats stats = moon_dns_stats(out.dns);
    assert_int_equal(stats.questions, 5);
    assert_int_equal(stats.prefetched, 5);
    assert_int_equal(stats.rounds, 1);
    dmarc_case_end(&out);
}

static void says_when_memory_runs_out(void **state)
{
    static const struct dmarc_case test = {
        .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject; p=x\"\n"
                "_dmarc.b.example.com TXT \"v=DMARC1; p=none\"\n"
                "_dmarc.b.example.com TXT \"v=DMARC1; p=none\"\n",
        .author = "a.b.example.com",
        .spf = "pass c.example.com"};
    struct dmarc_outcome out;
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; !done; n++) {
        assert_true(n < 2000);
        dmarc_case_run(&test, n, &out);
        assert_true(out.status == MOON_OK || out.status == MOON_ENOMEM);
        /* DNS answers "no memory" as trouble: a defined result, never a wrong one */
        if (out.status == MOON_OK)
            assert_true(out.results.dmarc.result == MOON_RESULT_TEMPERROR ||
                        out.results.dmarc.result == MOON_RESULT_PASS);
        done = out.status == MOON_OK && out.results.dmarc.result == MOON_RESULT_PASS;
        assert_true(n > 5 || !done);
        dmarc_case_end(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tag_that_speaks_depends_on_where_the_record_is),
        cmocka_unit_test(only_nxdomain_means_that_a_domain_does_not_exist),
        cmocka_unit_test(a_record_without_valid_policies_is_p_none_when_it_wants_reports),
        cmocka_unit_test(test_mode_asks_for_one_level_less),
        cmocka_unit_test(pct_has_no_effect_with_the_tree_walk),
        cmocka_unit_test(without_a_record_the_result_is_none),
        cmocka_unit_test(without_one_author_domain_dmarc_cannot_be_applied),
        cmocka_unit_test(dns_trouble_before_the_policy_is_known_is_temperror),
        cmocka_unit_test(dns_trouble_with_the_author_domain_is_temperror_when_np_would_differ),
        cmocka_unit_test(comparing_changes_nothing_but_the_other_result),
        cmocka_unit_test(memory_that_ends_anywhere_is_no_result),
        cmocka_unit_test(the_facts_of_the_record_are_kept),
        cmocka_unit_test(errors_of_records_are_kept_without_a_policy),
        cmocka_unit_test(the_reason_names_what_is_aligned_and_has_passed),
        cmocka_unit_test(everything_is_asked_in_one_round),
        cmocka_unit_test(says_when_memory_runs_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
