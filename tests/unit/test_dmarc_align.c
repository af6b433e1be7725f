/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc_align.c: identifier alignment (RFC 9989 sections 4.4 and 4.10.2) and
 * what DNS trouble leaves open (RFC 9989 sections 5.3.5 and 5.3.6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/limits.h"
#include "tests/support/dmarc_case.h"

#define RELAXED "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"
#define STRICT  "_dmarc.example.com TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n"

/* RFC 9989 sections 3.2.10.1, 4.4.1, 4.4.2 */
static void relaxed_alignment_compares_organizations(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = RELAXED, .author = "example.com", .spf = "pass mail.example.com"},
         "pass policy=reject tag=p at=example.com org=example.com spf"},
        {{.zone = RELAXED, .author = "a.example.com", .dkim = {"pass b.example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com dkim"},
        {{.zone = RELAXED, .author = "a.example.com", .dkim = {"pass example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com dkim"},
        {{.zone = RELAXED, .author = "example.com", .spf = "pass badexample.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .spf = "pass com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .spf = "pass example.com.evil.example"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* a subdomain that is an organization of its own is another one */
        {{.zone = RELAXED "_dmarc.b.example.com TXT \"v=DMARC1; p=none; psd=n\"\n",
          .author = "example.com",
          .dkim = {"pass b.example.com", "pass a.b.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* and so is what lies below a public suffix of the organization's */
        {{.zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none; psd=y\"\n",
          .author = "example.com",
          .dkim = {"pass joe.users.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 4.10.2. Whoever has a name below a public suffix decides whether its servers
 * answer: their silence must not leave open what a record above them has settled. */
static void trouble_below_a_public_suffix_leaves_nothing_open(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none; psd=y\"\n"
                          "_dmarc.joe.users.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass joe.users.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none; psd=y\"\n"
                          "_dmarc.joe.users.example.com SERVFAIL\n",
          .author = "www.example.com",
          .spf = "temperror a.joe.users.example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* the public suffix itself is the author */
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; psd=y\"\n"
                  "_dmarc.joe.example.com SERVFAIL\n",
          .author = "example.com",
          .dkim = {"pass joe.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* nor does a question that the message's cap refused: a stranger can use that up */
        {{.zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none; psd=y\"\n",
          .author = "example.com",
          .dkim = {"pass joe.users.example.com"},
          .questions_max = 3},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED,
          .author = "example.com",
          .dkim = {"pass joe.example.com"},
          .questions_max = 3},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* above the trouble nothing is settled: it stays open */
        {{.zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none\"\n"
                          "_dmarc.joe.users.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass joe.users.example.com"}},
         "temperror policy=- tag=p at=example.com org=example.com"},
        {{.zone = RELAXED "_dmarc.users.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass joe.users.example.com"}},
         "temperror policy=- tag=p at=example.com org=example.com"},
        /* as many labels as there are questions, and up to the last of them nothing is settled */
        {{.zone = "_dmarc.com TXT \"v=DMARC1; p=reject\"\n_dmarc.1.2.3.4.5.6.7.com TIMEOUT\n",
          .author = "com",
          .dkim = {"pass 1.2.3.4.5.6.7.com"}},
         "temperror policy=- tag=p at=com org=com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 3.2.10.2 */
static void strict_alignment_compares_names(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = STRICT, .author = "example.com", .spf = "pass mail.example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = STRICT, .author = "a.example.com", .dkim = {"pass example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = STRICT, .author = "a.example.com", .dkim = {"pass a.example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com dkim"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; adkim=s\"",
          .author = "example.com",
          .spf = "pass a.example.com",
          .dkim = {"pass a.example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com spf"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 sections 4.4.1 and 4.4.2: an identifier must have passed; one is enough */
static void only_what_passed_counts_and_one_is_enough(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = RELAXED, .author = "example.com", .spf = "softfail example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .spf = "neutral example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .spf = "permerror example.com"},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .dkim = {"policy example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = RELAXED,
          .author = "example.com",
          .spf = "fail other.example",
          .dkim = {"fail example.com", "pass other.example", "pass example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com dkim"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* RFC 9989 section 4.4.2. Trap: CVE-2019-20790, the HELO identity is no identifier of DMARC. */
static void the_helo_identity_is_not_looked_at(void **state)
{
    static const struct dmarc_case test = {
        .zone = RELAXED, .author = "example.com", .spf = "none other.example"};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    out.results.spf_helo =
        (struct moon_spf){.result = MOON_RESULT_PASS, .domain = "example.com", .scope = "helo"};
    assert_int_equal(
        moon_dmarc_evaluate(out.arena, out.dns, MOON_DMARC_DISCOVERY_TREEWALK, 0, &out.results),
        MOON_OK);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_FAIL);
    assert_false(out.results.spf_helo.aligned);
    dmarc_case_end(&out);
}

/* Each signature says whether its domain is aligned, also one that failed. */
static void every_identifier_knows_whether_it_is_aligned(void **state)
{
    static const struct dmarc_case test = {.zone = RELAXED,
                                           .author = "a.example.com",
                                           .spf = "fail b.example.com",
                                           .dkim = {"fail example.com", "pass other.example",
                                                    "fail a.example.com", "pass example.com"}};
    static const bool want[] = {true, false, true, true};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_true(out.results.spf.aligned);
    assert_false(out.results.dmarc.spf_aligned);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(out.results.dkim.sigs[i].aligned, want[i]);
    assert_string_equal(out.results.dmarc.reason, "DKIM of example.com is aligned");
    dmarc_case_end(&out);
}

/* RFC 9989 section 5.3.6 */
static void dns_trouble_that_leaves_alignment_open_is_temperror(void **state)
{
    static const struct dmarc_row rows[] = {
        /* the walk of the identifier */
        {{.zone = RELAXED "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass b.example.com"}},
         "temperror policy=- tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n"
                  "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass b.example.com"}},
         "temperror policy=- tag=p at=example.com org=example.com"},
        /* the walk of the Author Domain, above its own record */
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.example.com TIMEOUT\n",
          .author = "a.example.com",
          .dkim = {"pass example.com"}},
         "temperror policy=- tag=p at=a.example.com org=-"},
        /* the check of an identifier that is aligned */
        {{.zone = RELAXED, .author = "example.com", .spf = "temperror a.example.com"},
         "temperror policy=- tag=p at=example.com org=example.com"},
        {{.zone = RELAXED, .author = "example.com", .dkim = {"temperror example.com"}},
         "temperror policy=- tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* Where the trouble was: with the walk of an identifier, the Author Domain's, or a check. */
static void the_reason_names_the_trouble(void **state)
{
    static const struct dmarc_row rows[] = {
        {{.zone = RELAXED "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass b.example.com"}},
         "_dmarc.b.example.com: timeout"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.example.com TIMEOUT\n",
          .author = "a.example.com",
          .dkim = {"pass example.com"}},
         "_dmarc.example.com: timeout"},
        {{.zone = RELAXED, .author = "example.com", .spf = "temperror a.example.com"},
         "SPF of an aligned domain met DNS trouble"},
        {{.zone = RELAXED, .author = "example.com", .dkim = {"temperror example.com"}},
         "DKIM of an aligned domain met DNS trouble"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dmarc_outcome out;
        dmarc_case_run(&rows[i].test, 0, &out);
        assert_int_equal(out.results.dmarc.result, MOON_RESULT_TEMPERROR);
        assert_string_equal(out.results.dmarc.reason, rows[i].want);
        dmarc_case_end(&out);
    }
}

/* The answers are there; only memory for reading them is not. */
static void a_walk_without_memory_leaves_nothing_open(void **state)
{
    static const struct dmarc_case test = {
        .zone = RELAXED "_dmarc.users.example.com TXT \"v=DMARC1; p=none; psd=y\"\n"
                        "_dmarc.joe.users.example.com TIMEOUT\n",
        .author = "example.com",
        .dkim = {"pass joe.users.example.com"}};
    struct dmarc_outcome out;
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    for (size_t n = 1; n < 100 && status != MOON_OK; n++) {
        moon_arena_fail_at(out.arena, n);
        status =
            moon_dmarc_evaluate(out.arena, out.dns, MOON_DMARC_DISCOVERY_TREEWALK, 0, &out.results);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        assert_true(status == MOON_ENOMEM || n > 5);
    }
    assert_int_equal(status, MOON_OK);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_FAIL);
    dmarc_case_end(&out);
}

/* What cannot change the result is no reason to wait: RFC 9989 sections 5.3.5 and 5.3.6 */
static void dns_trouble_that_cannot_matter_is_ignored(void **state)
{
    static const struct dmarc_row rows[] = {
        /* another identifier is already aligned and passed */
        {{.zone = RELAXED "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .spf = "pass example.com",
          .dkim = {"pass b.example.com", "temperror example.com"}},
         "pass policy=reject tag=p at=example.com org=example.com spf"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.example.com TIMEOUT\n",
          .author = "a.example.com",
          .dkim = {"pass a.example.com"}},
         "pass policy=reject tag=p at=a.example.com org=- dkim"},
        /* the identifier is of another organization anyhow */
        {{.zone = RELAXED "_dmarc.other.example TIMEOUT\n",
          .author = "example.com",
          .spf = "temperror other.example",
          .dkim = {"pass other.example"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        {{.zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.example.com TIMEOUT\n",
          .author = "a.example.com",
          .dkim = {"pass other.example"}},
         "fail policy=reject tag=p at=a.example.com org=-"},
        /* it did not pass */
        {{.zone = RELAXED "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"fail b.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
        /* strict alignment needs no walk */
        {{.zone = STRICT "_dmarc.b.example.com TIMEOUT\n",
          .author = "example.com",
          .dkim = {"pass b.example.com"}},
         "fail policy=reject tag=p at=example.com org=example.com"},
    };
    (void)state; /* cmocka's, not used */
    dmarc_case_check_rows(rows, sizeof rows / sizeof *rows);
}

/* A stranger's signatures must not make us ask without bound; those that pass go first. */
static void walks_are_limited_and_passing_identifiers_go_first(void **state)
{
    static const struct dmarc_case many_fail = {
        .zone = RELAXED,
        .author = "example.com",
        .dkim = {"fail 1.a.example.com", "fail 2.b.example.com", "fail 3.c.example.com",
                 "fail 4.d.example.com", "fail 5.e.example.com", "fail 6.f.example.com",
                 "fail 7.g.example.com", "pass h.example.com"}};
    static const struct dmarc_case many_pass = {
        .zone = RELAXED "_dmarc.a.example.com TXT \"v=DMARC1; p=none; psd=y\"",
        .author = "example.com",
        .dkim = {"pass 1.a.example.com", "pass 2.a.example.com", "pass 3.a.example.com",
                 "pass 4.a.example.com", "pass 5.a.example.com", "pass 6.a.example.com",
                 "pass h.example.com"}};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    /* DNS trouble with one of them is looked at before those that failed for good */
    static const struct dmarc_case many_fail_one_open = {
        .zone = RELAXED,
        .author = "example.com",
        .dkim = {"fail a.example.com", "fail b.example.com", "fail c.example.com",
                 "fail d.example.com", "fail e.example.com", "fail f.example.com",
                 "temperror h.example.com"}};
    dmarc_case_check(&many_fail_one_open,
                     "temperror policy=- tag=p at=example.com org=example.com");
    /* but behind those that passed */
    static const struct dmarc_case many_open = {
        .zone = RELAXED,
        .author = "example.com",
        .dkim = {"temperror a.example.com", "temperror b.example.com", "temperror c.example.com",
                 "temperror d.example.com", "temperror e.example.com", "temperror f.example.com",
                 "pass h.example.com"}};
    dmarc_case_check(&many_open, "pass policy=reject tag=p at=example.com org=example.com dkim");
    static const struct dmarc_case six = {
        .zone = RELAXED "_dmarc.a.example.com TXT \"v=DMARC1; p=none; psd=y\"",
        .author = "example.com",
        .dkim = {"pass 1.a.example.com", "pass 2.a.example.com", "pass 3.a.example.com",
                 "pass 4.a.example.com", "pass 5.a.example.com", "pass h.example.com"}};
    dmarc_case_check(&six, "pass policy=reject tag=p at=example.com org=example.com dkim");
    dmarc_case_check(&many_fail, "pass policy=reject tag=p at=example.com org=example.com dkim");
    dmarc_case_run(&many_pass, 0, &out);
    assert_string_equal(out.text, "fail policy=reject tag=p at=example.com org=example.com");
    assert_string_equal(out.results.dmarc.error,
                        "too many identifiers, h.example.com not evaluated");
    assert_true(moon_dns_stats(out.dns).questions <= 3 + 2 * MOON_DMARC_WALKS_MAX);
    dmarc_case_end(&out);
}

/* As many signatures as there may be, and SPF before them: the last one counts as well. */
static void the_last_of_all_identifiers_counts(void **state)
{
    static const struct dmarc_case test = {
        .zone = RELAXED, .author = "example.com", .spf = "pass esp.example"};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_FAIL);
    struct moon_dkim_sig sigs[MOON_SIG_MAX];
    memset(sigs, 0, sizeof sigs);
    for (size_t i = 0; i < MOON_SIG_MAX; i++) {
        sigs[i].result = MOON_RESULT_PASS;
        sigs[i].domain = i + 1 < MOON_SIG_MAX ? "esp.example" : "example.com";
    }
    out.results.dkim.sigs = sigs;
    out.results.dkim.count = MOON_SIG_MAX;
    assert_int_equal(
        moon_dmarc_evaluate(out.arena, out.dns, MOON_DMARC_DISCOVERY_TREEWALK, 0, &out.results),
        MOON_OK);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_PASS);
    assert_true(out.results.dmarc.dkim_aligned);
    dmarc_case_end(&out);
}

static void strangers_domains_cost_no_question(void **state)
{
    static const struct dmarc_case test = {
        .zone = RELAXED,
        .author = "example.com",
        .spf = "pass a.b.c.d.esp.example",
        .dkim = {"pass esp.example", "fail 1.esp.example", "temperror 2.esp.example"}};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    assert_int_equal(moon_dns_stats(out.dns).questions, 3);
    assert_int_equal(out.results.dmarc.result, MOON_RESULT_FAIL);
    dmarc_case_end(&out);
}

/* A bounce domain below the Author Domain is asked for before SPF has passed; a stranger's is not.
 */
static void identifiers_that_may_align_are_asked_for_early(void **state)
{
    static const struct {
        const char *domain;
        unsigned questions;
    } rows[] = {
        {"bounce.example.com", 1}, {"a.bounce.example.com", 2},
        {"example.com", 0},        {"com", 0},
        {"esp.example", 0},        {"esp.com", 0},
        {"example.org", 0},        {NULL, 0},
    };
    static const struct dmarc_case test = {.zone = RELAXED, .author = "example.com"};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dmarc_outcome out;
        dmarc_case_run(&test, 0, &out);
        unsigned before = moon_dns_stats(out.dns).questions;
        moon_dmarc_prefetch_identifier(out.dns, &out.results.from, MOON_DMARC_DISCOVERY_TREEWALK,
                                       rows[i].domain);
        assert_int_equal(moon_dns_stats(out.dns).questions - before, rows[i].questions);
        dmarc_case_end(&out);
    }
    struct dmarc_outcome out; /* a list of public suffixes needs no walk */
    dmarc_case_run(&test, 0, &out);
    unsigned before = moon_dns_stats(out.dns).questions;
    moon_dmarc_prefetch_identifier(out.dns, &out.results.from, MOON_DMARC_DISCOVERY_PSL,
                                   rows[0].domain);
    assert_int_equal(moon_dns_stats(out.dns).questions, before);
    dmarc_case_end(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relaxed_alignment_compares_organizations),
        cmocka_unit_test(trouble_below_a_public_suffix_leaves_nothing_open),
        cmocka_unit_test(strict_alignment_compares_names),
        cmocka_unit_test(only_what_passed_counts_and_one_is_enough),
        cmocka_unit_test(the_helo_identity_is_not_looked_at),
        cmocka_unit_test(every_identifier_knows_whether_it_is_aligned),
        cmocka_unit_test(dns_trouble_that_leaves_alignment_open_is_temperror),
        cmocka_unit_test(the_reason_names_the_trouble),
        cmocka_unit_test(a_walk_without_memory_leaves_nothing_open),
        cmocka_unit_test(dns_trouble_that_cannot_matter_is_ignored),
        cmocka_unit_test(walks_are_limited_and_passing_identifiers_go_first),
        cmocka_unit_test(the_last_of_all_identifiers_counts),
        cmocka_unit_test(strangers_domains_cost_no_question),
        cmocka_unit_test(identifiers_that_may_align_are_asked_for_early),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
