/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/verdict/scan.c: what it asks DNS when. The zone answers at once; rounds are
 * counted by which answer a question had to wait for, so a message takes as many times the delay of
 * DNS as it has rounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/dns/dns.h"
#include "tests/support/scan_case.h"

#define ACCEPT                                                                                     \
    "local moon = require 'moonscan'\nreturn { message = function() return moon.accept {} end }"

/* "round TYPE name", in the order asked. */
static const char *asked(const struct scan_result *result)
{
    const struct moon_dns_answer *answer;
    struct moon_str text;

    moon_str_begin(&text, result->arena);
    for (size_t i = 0; (answer = moon_dns_each(result->outcome.dns, i)); i++)
        moon_str_add(&text, moon_arena_printf(result->arena, "%u %s %s\n", answer->round,
                                              moon_dns_type_name(answer->type), answer->name));
    return moon_str_end(&text);
}

static void expect_asked(const struct scan_result *result, const char *want)
{
    const char *got = asked(result);
    if (!got || strcmp(got, want) != 0)
        fail_msg("got\n%swant\n%s", got ? got : "(no memory)\n", want);
}

/* Two signatures, an ARC set and three identifiers of one organization beside an SPF record that
 * matches at its third level: nothing but SPF's includes waits for an answer. */
static void all_that_can_be_foreseen_is_asked_at_once(void **state)
{
    static const struct scan_case test = {
        .policy = ACCEPT,
        .mail_from = "b@bounce.shop.example",
        .fields =
            "From: A Shop <bulk@news.shop.example>\n"
            "ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=fwd.example; s=arc; b=AAAA\n"
            "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=fwd.example; s=arc;"
            " h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\n"
            "ARC-Authentication-Results: i=1; mx.fwd.example; spf=pass\n",
        .signs = {{.domain = "mail.shop.example"}, {.domain = "mailer.example"}},
        .zone = "bounce.shop.example. TXT \"v=spf1 include:spf.mailer.example -all\"\n"
                "spf.mailer.example. TXT \"v=spf1 include:a.mailer.example ?all\"\n"
                "a.mailer.example. TXT \"v=spf1 ip4:192.0.2.0/24 ?all\"\n"
                "_dmarc.shop.example. TXT \"v=DMARC1; p=reject\"\n"};
    struct scan_result result;

    (void)state; /* the case carries all */
    scan_case_run(&test, &result);
    assert_int_equal(result.outcome.results.spf.result, MOON_RESULT_PASS);
    assert_int_equal(result.outcome.results.dmarc.result, MOON_RESULT_PASS);
    expect_asked(&result, "1 TXT bounce.shop.example\n"
                          "1 TXT out.shop.example\n"
                          "1 TXT _dmarc.news.shop.example\n"
                          "1 TXT _dmarc.shop.example\n"
                          "1 TXT _dmarc.example\n"
                          "1 TXT news.shop.example\n"
                          "1 TXT _dmarc.bounce.shop.example\n"
                          "1 TXT k1._domainkey.mail.shop.example\n"
                          "1 TXT k1._domainkey.mailer.example\n"
                          "1 TXT _dmarc.mail.shop.example\n"
                          "1 TXT arc._domainkey.fwd.example\n"
                          "2 TXT spf.mailer.example\n"
                          "3 TXT a.mailer.example\n");
    assert_int_equal(moon_dns_stats(result.outcome.dns).rounds, 3);
    scan_case_end(&result);
}

/* Where SPF matches early, nobody waits for the records behind, though they are asked for. */
static void a_record_that_is_not_needed_is_not_waited_for(void **state)
{
    static const struct scan_case test = {
        .policy = ACCEPT,
        .zone = "shop.example. TXT \"v=spf1 include:a.example include:b.example -all\"\n"
                "a.example. TXT \"v=spf1 ip4:192.0.2.7 ?all\"\n"
                "b.example. TXT \"v=spf1 include:c.example ?all\"\n"
                "c.example. TXT \"v=spf1 ?all\"\n"};
    struct scan_result result;

    (void)state; /* the case carries all */
    scan_case_run(&test, &result);
    assert_int_equal(result.outcome.results.spf.result, MOON_RESULT_PASS);
    assert_non_null(strstr(asked(&result), "2 TXT b.example\n"));
    assert_int_equal(moon_dns_stats(result.outcome.dns).rounds, 2);
    scan_case_end(&result);
}

/* The one question that depends on a result: is the MX null of a domain that sends no mail, when
 * DMARC has failed? Only such messages pay for it, with a round. */
static void a_parked_domain_costs_a_round_more(void **state)
{
    static const struct {
        const char *record;
        bool want_mx;
    } table[] = {{"-all", true}, {"ip4:192.0.2.99 -all", false}};

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char zone[400];
        (void)snprintf(zone, sizeof zone,
                       "mailer.example. TXT \"v=spf1 include:a.mailer.example -all\"\n"
                       "a.mailer.example. TXT \"v=spf1 ip4:192.0.2.0/24 ?all\"\n"
                       "shop.example. TXT \"v=spf1 %s\"\nshop.example. MX 0 .\n"
                       "_dmarc.shop.example. TXT \"v=DMARC1; p=reject\"\n",
                       table[i].record);
        struct scan_case test = {.policy = ACCEPT, .mail_from = "b@mailer.example", .zone = zone};
        struct scan_result result;

        scan_case_run(&test, &result);
        assert_int_equal(result.outcome.results.dmarc.result, MOON_RESULT_FAIL);
        assert_int_equal(strstr(asked(&result), "3 MX shop.example\n") != NULL, table[i].want_mx);
        assert_int_equal(moon_dns_stats(result.outcome.dns).rounds, table[i].want_mx ? 3 : 2);
        scan_case_end(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_can_be_foreseen_is_asked_at_once),
        cmocka_unit_test(a_record_that_is_not_needed_is_not_waited_for),
        cmocka_unit_test(a_parked_domain_costs_a_round_more),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
