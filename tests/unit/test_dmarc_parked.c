/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc_parked.c, and of what BIMI wants of a policy (dmarc.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/auth/dmarc_parked.h"
#include "tests/support/dmarc_case.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define REJECT       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"
#define NO_SPF       "example.com TXT \"v=spf1 -all\"\n"
#define NO_MX        "example.com MX 0 .\n"
#define FROM         .author = "example.com"

static const char *const words[] = {"unknown", "no", "yes"};

static enum moon_dmarc_parked parked_of(const struct dmarc_case *test, size_t fail_at,
                                        enum moon_status *status_r)
{
    struct dmarc_outcome out;
    dmarc_case_run(test, 0, &out);
    assert_int_equal(out.status, MOON_OK);
    moon_arena_fail_at(out.arena, fail_at);
    moon_dmarc_parked_start(out.arena, out.dns, &out.results);
    *status_r = moon_dmarc_parked(out.arena, out.dns, &out.results);
    enum moon_dmarc_parked parked = out.results.dmarc.parked;
    dmarc_case_end(&out);
    return parked;
}

/* RFC 7208 section 5.1, RFC 7505 section 3 */
static void a_parked_domain_says_so_in_three_ways(void **state)
{
    static const struct {
        struct dmarc_case test;
        enum moon_dmarc_parked want;
    } table[] = {
        {{FROM, .zone = REJECT NO_SPF NO_MX}, MOON_DMARC_PARKED_YES},
        {{FROM, .zone = REJECT "example.com TXT \"V=SPF1   -ALL\"\n" NO_MX}, MOON_DMARC_PARKED_YES},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 -all exp=why.example.com\"\n" NO_MX},
         MOON_DMARC_PARKED_YES},
        {{FROM, .zone = REJECT NO_SPF "example.com TXT \"some-site-verification=1\"\n" NO_MX},
         MOON_DMARC_PARKED_YES},
        {{FROM, .zone = REJECT NO_SPF "example.com MX 10 .\n"}, MOON_DMARC_PARKED_YES},
        {{FROM, .psl = true, .zone = REJECT NO_SPF NO_MX}, MOON_DMARC_PARKED_YES},
        /* t=y lowers what is asked, not what is published */
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=y\"\n" NO_SPF NO_MX},
         MOON_DMARC_PARKED_YES},
        /* a subdomain is asked for itself */
        {{.author = "a.example.com",
          .zone = REJECT "a.example.com TXT \"v=spf1 -all\"\na.example.com MX 0 .\n"},
         MOON_DMARC_PARKED_YES},
        {{.author = "a.example.com", .zone = REJECT NO_SPF NO_MX}, MOON_DMARC_PARKED_NO},
        /* one of the three is not so */
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\n" NO_SPF NO_MX},
         MOON_DMARC_PARKED_NO},
        {{FROM, .zone = NO_SPF NO_MX}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT NO_MX}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 ~all\"\n" NO_MX}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 mx -all\"\n" NO_MX}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1\"\n" NO_MX}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 -all redirect=x.example\"\n" NO_MX},
         MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 -all -oops\"\n" NO_MX},
         MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT NO_SPF NO_SPF "example.com TXT \"v=spf1 a\"\n" NO_MX},
         MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT NO_SPF}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT NO_SPF "example.com MX 0 mx.example.com\n"}, MOON_DMARC_PARKED_NO},
        {{FROM, .zone = REJECT NO_SPF NO_MX "example.com MX 5 mx.example.com\n"},
         MOON_DMARC_PARKED_NO},
        /* what passes comes from somebody who sends */
        {{FROM, .zone = REJECT NO_SPF NO_MX, .dkim = {"pass example.com"}}, MOON_DMARC_PARKED_NO},
        {{.zone = NO_MX}, MOON_DMARC_PARKED_NO},
        /* DNS does not say */
        {{FROM, .zone = REJECT "example.com TXT TIMEOUT\n" NO_MX}, MOON_DMARC_PARKED_UNKNOWN},
        {{FROM, .zone = REJECT NO_SPF "example.com MX TIMEOUT\n"}, MOON_DMARC_PARKED_UNKNOWN},
        {{FROM, .zone = "_dmarc.example.com TXT TIMEOUT\n" NO_SPF NO_MX},
         MOON_DMARC_PARKED_UNKNOWN},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(table); i++) {
        enum moon_status status;
        enum moon_dmarc_parked got = parked_of(&table[i].test, 0, &status);
        assert_int_equal(status, MOON_OK);
        if (got != table[i].want)
            fail_msg("%s\ngot %s, want %s", table[i].test.zone, words[got], words[table[i].want]);
    }
}

/* Other mail pays nothing for it, and a parked domain one question. */
static void it_asks_only_where_it_matters(void **state)
{
    static const struct {
        struct dmarc_case test;
        unsigned more;
    } table[] = {
        {{FROM, .zone = REJECT NO_SPF NO_MX}, 1},
        {{FROM, .zone = REJECT "example.com TXT \"v=spf1 mx -all\"\n" NO_MX}, 0},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\n" NO_SPF NO_MX}, 0},
        {{FROM, .zone = REJECT NO_SPF NO_MX, .dkim = {"pass example.com"}}, 0},
        {{FROM, .zone = NO_SPF NO_MX}, 0},
        {{FROM, .psl = true, .zone = REJECT NO_SPF NO_MX}, 2},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(table); i++) {
        struct dmarc_outcome out;
        dmarc_case_run(&table[i].test, 0, &out);
        struct moon_dns_stats before = moon_dns_stats(out.dns);
        moon_dmarc_parked_start(out.arena, out.dns, &out.results);
        assert_int_equal(moon_dmarc_parked(out.arena, out.dns, &out.results), MOON_OK);
        struct moon_dns_stats after = moon_dns_stats(out.dns);
        unsigned more = after.questions - before.questions;
        assert_int_equal(after.prefetched - before.prefetched, more); /* nobody waits for two */
        if (more != table[i].more)
            fail_msg("%s\ngot %u questions more, want %u", table[i].test.zone, more, table[i].more);
        dmarc_case_end(&out);
    }
}

static void a_want_of_memory_is_told(void **state)
{
    static const struct dmarc_case test = {FROM, .zone = REJECT NO_SPF NO_MX};
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 40 && status != MOON_OK; n++) {
        enum moon_dmarc_parked got = parked_of(&test, n, &status);
        assert_true(status == MOON_ENOMEM || status == MOON_OK);
        if (status == MOON_OK)
            assert_true(got != MOON_DMARC_PARKED_NO);
    }
    assert_int_equal(status, MOON_OK);
}

/* The answers are there, and only the record cannot be read: nothing is known of the domain. */
static void a_record_without_memory_parks_nobody(void **state)
{
    static const struct dmarc_case test = {FROM, .zone = REJECT NO_SPF NO_MX};
    struct dmarc_outcome out;
    (void)state; /* cmocka's, not used */
    dmarc_case_run(&test, 0, &out);
    moon_dmarc_parked_start(out.arena, out.dns, &out.results);
    moon_arena_fail_at(out.arena, 1);
    assert_int_equal(moon_dmarc_parked(out.arena, out.dns, &out.results), MOON_ENOMEM);
    assert_int_equal(out.results.dmarc.parked, MOON_DMARC_PARKED_NO);
    dmarc_case_end(&out);
}

static void bimi_says_so_when_memory_runs_out(void **state)
{
    static const struct dmarc_case test = {.author = "a.example.com",
                                           .psl = true,
                                           .zone = REJECT
                                           "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""};
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 100 && status != MOON_OK; n++) {
        struct dmarc_outcome out;
        dmarc_case_run(&test, n, &out);
        status = out.status;
        assert_true(status == MOON_ENOMEM || status == MOON_OK);
        assert_true(status == MOON_ENOMEM || out.results.dmarc.bimi_eligible);
        dmarc_case_end(&out);
    }
    assert_int_equal(status, MOON_OK);
}

static void bimi_wants_both_domains_to_enforce(void **state)
{
    static const struct {
        struct dmarc_case test;
        bool want;
    } table[] = {
        {{FROM, .zone = REJECT}, true},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\""}, true},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; pct=100\""}, true},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine\""}, true},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=20\""}, true},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; pct=99\""}, false},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=none\""}, false},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=y\""}, false},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\""}, false},
        {{FROM, .zone = "_dmarc.example.com TXT \"v=DMARC1; p=rejct; rua=mailto:a@b.example\""},
         false},
        {{FROM, .zone = ""}, false},
        {{.author = "a.example.com", .zone = REJECT}, true},
        {{.author = "a.example.com",
          .zone = REJECT "_dmarc.a.example.com TXT \"v=DMARC1; p=quarantine\""},
         true},
        {{.author = "a.example.com",
          .zone = REJECT "_dmarc.a.example.com TXT \"v=DMARC1; p=none\""},
         false},
        {{.author = "a.example.com",
          .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""},
         false},
        {{.author = "a.example.com",
          .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=none\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""},
         false},
        {{.author = "a.example.com",
          .psl = true,
          .zone = REJECT "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""},
         true},
        {{.author = "a.example.com",
          .psl = true,
          .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
                  "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""},
         false},
        {{.author = "a.example.com",
          .psl = true,
          .zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\""},
         false},
        /* a Public Suffix Domain's word is not the owner's */
        {{.author = "a.example", .zone = "_dmarc.example TXT \"v=DMARC1; p=reject; psd=y\""},
         false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < COUNT(table); i++) {
        struct dmarc_outcome out;
        dmarc_case_run(&table[i].test, 0, &out);
        if (out.results.dmarc.bimi_eligible != table[i].want)
            fail_msg("%s\n%s\ngot %d", table[i].test.zone, out.text,
                     out.results.dmarc.bimi_eligible);
        dmarc_case_end(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_domain_says_so_in_three_ways),
        cmocka_unit_test(it_asks_only_where_it_matters),
        cmocka_unit_test(a_want_of_memory_is_told),
        cmocka_unit_test(a_record_without_memory_parks_nobody),
        cmocka_unit_test(bimi_says_so_when_memory_runs_out),
        cmocka_unit_test(bimi_wants_both_domains_to_enforce),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
