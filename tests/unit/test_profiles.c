/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/profiles.c, profile_check.c and of the data in policies/profiles/, with messages
 * that are really signed and evaluated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/scan_case.h"

/* All that is unmet, as words; advice in brackets. */
#define UNMET(profile, options)                                                                    \
    "local moon = require 'moonscan'\n"                                                            \
    "local p = moon.profile '" profile "'\n"                                                       \
    "return { message = function(m)\n"                                                             \
    "local words = {}\n"                                                                           \
    "for _, u in ipairs(p:unmet(m" options ")) do\n"                                               \
    "table.insert(words, u.advice and '(' .. u.requirement .. ')' or u.requirement) end\n"         \
    "return moon.accept { reason = table.concat(words, ' ') } end }"
#define BULK  ", { bulk = true }"
#define SPF   "shop.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"
#define DMARC "_dmarc.shop.example. TXT \"v=DMARC1; p=none\"\n"
#define OWN                                                                                        \
    {                                                                                              \
        {                                                                                          \
            .domain = "shop.example"                                                               \
        }                                                                                          \
    }
#define HOST "out.shop.example"
#define TLS  "TLS_AES_256_GCM_SHA384"
#define CLICK                                                                                      \
    "List-Unsubscribe: <https://shop.example/u>\n"                                                 \
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
#define CLICK_SIGNED                                                                               \
    {                                                                                              \
        {                                                                                          \
            .domain = "shop.example", .headers = "from:list-unsubscribe:list-unsubscribe-post"     \
        }                                                                                          \
    }

static void expect_reason(const char *what, struct scan_case *test, const char *want)
{
    struct scan_result result;
    scan_case_run(test, &result);
    const char *got = result.verdict.failure  ? result.verdict.failure
                      : result.verdict.reason ? result.verdict.reason
                                              : "";
    if (strcmp(got, want) != 0)
        fail_msg("%s: got '%s', want '%s'", what, got, want);
    scan_case_end(&result);
}

/* Every requirement, met and not met. */
static const struct {
    const char *what, *policy;
    struct scan_case mail;
    const char *want;
} asked[] = {
    {"google: all is well",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .host = HOST, .tls = TLS},
     ""},
    {"google: no SPF",
     UNMET("google", BULK),
     {.zone = DMARC, .signs = OWN, .host = HOST, .tls = TLS},
     "spf"},
    {"google: SPF of another domain",
     UNMET("google", BULK),
     {.zone = SPF DMARC "esp.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n",
      .signs = OWN,
      .mail_from = "b@esp.example",
      .host = HOST,
      .tls = TLS},
     ""},
    {"google: no DKIM",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .host = HOST, .tls = TLS},
     "dkim"},
    {"google: a signature that fails",
     UNMET("google", BULK),
     {.zone = SPF DMARC,
      .signs = {{.domain = "shop.example", .broken = true}},
      .host = HOST,
      .tls = TLS},
     "dkim"},
    {"google: neither",
     UNMET("google", BULK),
     {.zone = DMARC, .host = HOST, .tls = TLS},
     "spf_or_dkim spf dkim aligned"},
    {"google: no DMARC record",
     UNMET("google", BULK),
     {.zone = SPF, .signs = OWN, .host = HOST, .tls = TLS},
     "dmarc_record"},
    {"google: a stricter one is fine",
     UNMET("google", BULK),
     {.zone = SPF "_dmarc.shop.example. TXT \"v=DMARC1; p=reject\"\n",
      .signs = OWN,
      .host = HOST,
      .tls = TLS},
     ""},
    {"google: nothing aligned",
     UNMET("google", BULK),
     {.zone = DMARC "esp.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n",
      .signs = {{.domain = "esp.example"}},
      .mail_from = "b@esp.example",
      .host = HOST,
      .tls = TLS},
     "aligned"},
    {"google: neither a record nor alignment",
     UNMET("google", BULK),
     {.zone = "esp.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n",
      .signs = {{.domain = "esp.example"}},
      .mail_from = "b@esp.example",
      .host = HOST,
      .tls = TLS},
     "dmarc_record aligned"},
    {"google: without TLS",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .host = HOST},
     "tls"},
    {"google: behind a gateway nobody can tell",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .hop = "192.0.2.99"},
     ""},
    {"google: without a name",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .tls = TLS},
     "reverse_dns"},
    {"google: two authors",
     UNMET("google", BULK),
     {.zone = SPF DMARC,
      .signs = OWN,
      .host = HOST,
      .tls = TLS,
      .fields = "From: a@shop.example, b@bank.example\n"},
     "one_author dmarc_record aligned"},
    {"google: one click",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = CLICK_SIGNED, .host = HOST, .tls = TLS, .fields = CLICK},
     ""},
    {"google: one click that anybody could have added",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .host = HOST, .tls = TLS, .fields = CLICK},
     "one_click"},
    {"google: by mail only",
     UNMET("google", BULK),
     {.zone = SPF DMARC,
      .signs = OWN,
      .host = HOST,
      .tls = TLS,
      .fields = "List-Unsubscribe: <mailto:u@shop.example>\n"},
     "one_click"},
    {"google: bulk without a way out",
     UNMET("google", BULK),
     {.zone = SPF DMARC, .signs = OWN, .host = HOST, .tls = TLS, .fields = "Precedence: Bulk\n"},
     "one_click"},
    {"google: a discussion list",
     UNMET("google", BULK),
     {.zone = SPF DMARC,
      .signs = OWN,
      .host = HOST,
      .tls = TLS,
      .fields = "List-Unsubscribe: <mailto:u@shop.example>\nPrecedence: list\n"
                "List-Post: <mailto:l@shop.example>\n"},
     ""},
    {"google: a mailing that nobody may write to",
     UNMET("google", BULK),
     {.zone = SPF DMARC,
      .signs = OWN,
      .host = HOST,
      .tls = TLS,
      .fields = "List-Unsubscribe: <mailto:u@shop.example>\nList-Post: NO (closed)\n"},
     "one_click"},
    {"google: what all must do, of a small sender",
     UNMET("google", ", { bulk = false }"),
     {.zone = ""},
     "spf_or_dkim reverse_dns tls"},
    {"google: a small sender may have SPF alone",
     UNMET("google", ", { bulk = false }"),
     {.zone = SPF, .host = HOST, .tls = TLS},
     ""},
    {"google: or DKIM alone",
     UNMET("google", ", { bulk = false }"),
     {.signs = OWN, .host = HOST, .tls = TLS},
     ""},
    {"google: nobody knows the volume",
     UNMET("google", ""),
     {.zone = SPF, .host = HOST, .tls = TLS},
     ""},

    {"microsoft: all is well", UNMET("microsoft", BULK), {.zone = SPF DMARC, .signs = OWN}, ""},
    {"microsoft: no SPF", UNMET("microsoft", BULK), {.zone = DMARC, .signs = OWN}, "spf"},
    {"microsoft: no DKIM", UNMET("microsoft", BULK), {.zone = SPF DMARC}, "dkim"},
    {"microsoft: no record", UNMET("microsoft", BULK), {.zone = SPF, .signs = OWN}, "dmarc_record"},
    {"microsoft: not aligned",
     UNMET("microsoft", BULK),
     {.zone = DMARC "esp.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n",
      .signs = {{.domain = "esp.example"}},
      .mail_from = "b@esp.example"},
     "aligned"},
    {"microsoft: one click is advice",
     UNMET("microsoft", BULK),
     {.zone = SPF DMARC, .signs = OWN, .fields = "Precedence: bulk\n"},
     "(one_click)"},
    {"microsoft: asks nothing of others",
     UNMET("microsoft", ", { bulk = false }"),
     {.zone = ""},
     ""},

    {"yahoo: all is well",
     UNMET("yahoo", BULK),
     {.zone = SPF DMARC, .signs = OWN, .host = HOST},
     ""},
    {"yahoo: no SPF", UNMET("yahoo", BULK), {.zone = DMARC, .signs = OWN, .host = HOST}, "spf"},
    {"yahoo: no DKIM", UNMET("yahoo", BULK), {.zone = SPF DMARC, .host = HOST}, "dkim"},
    {"yahoo: no record",
     UNMET("yahoo", BULK),
     {.zone = SPF, .signs = OWN, .host = HOST},
     "dmarc_record"},
    {"yahoo: no name", UNMET("yahoo", BULK), {.zone = SPF DMARC, .signs = OWN}, "reverse_dns"},
    {"yahoo: several aligned signatures pass",
     UNMET("yahoo", BULK),
     {.zone = SPF DMARC,
      .signs = {{.domain = "shop.example"}, {.domain = "news.shop.example"}},
      .host = HOST},
     ""},
    {"yahoo: one of several aligned does not",
     UNMET("yahoo", BULK),
     {.zone = SPF DMARC,
      .signs = {{.domain = "shop.example"}, {.domain = "news.shop.example", .broken = true}},
      .host = HOST},
     "(all_aligned_signatures)"},
    {"yahoo: another's may fail",
     UNMET("yahoo", BULK),
     {.zone = SPF DMARC,
      .signs = {{.domain = "shop.example"}, {.domain = "esp.example", .broken = true}},
      .host = HOST},
     ""},
    {"yahoo: neither",
     UNMET("yahoo", ", { bulk = false }"),
     {.zone = "", .host = HOST},
     "spf_or_dkim"},
};

static void requirements_are_what_the_receivers_ask_for(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct scan_case test = asked[i].mail;
        test.policy = asked[i].policy;
        expect_reason(asked[i].what, &test, asked[i].want);
    }
}

/* DNS trouble is held against nobody: the zone's own word for it is SERVFAIL. */
static void what_nobody_can_tell_is_not_unmet(void **state)
{
    struct scan_case test = {.policy = UNMET("google", BULK),
                             .zone = "shop.example. SERVFAIL\n_dmarc.shop.example. SERVFAIL\n",
                             .host = HOST,
                             .tls = TLS};
    (void)state; /* cmocka's, not used */
    expect_reason("trouble", &test, "dkim");
}

static void check_gives_the_first_with_text_and_code(void **state)
{
    static const struct scan_case test = {
        .policy = "local moon = require 'moonscan'\n"
                  "local microsoft <const> = moon.profile 'microsoft'\n"
                  "return { message = function(m)\n"
                  "local unmet = microsoft:check(m, { bulk = true })\n"
                  "if unmet then return moon.reject { esc = unmet.esc, text = unmet.text,\n"
                  "reason = unmet.profile .. ' ' .. unmet.requirement .. ' ' .. unmet.of .. ' '\n"
                  ".. microsoft.name .. ' ' .. microsoft.dated } end end }",
        .zone = SPF DMARC "m.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n",
        .fields = "Precedence: bulk\n"};
    struct scan_result result;
    (void)state; /* cmocka's, not used */
    scan_case_run(&test, &result);
    assert_null(result.verdict.failure);
    assert_int_equal(result.verdict.kind, MOON_VERDICT_REJECT);
    assert_string_equal(result.verdict.esc, "5.7.515");
    assert_string_equal(result.verdict.text,
                        "shop.example does not meet the authentication asked of "
                        "bulk senders: DKIM must pass");
    assert_string_equal(result.verdict.reason, "microsoft dkim bulk microsoft 2026-11-21");
    const char *last = result.verdict.facts[result.verdict.fact_count - 1];
    assert_string_equal(last, "microsoft: bulk sender, unmet=dkim");
    scan_case_end(&result);
}

static void misuse_names_the_cure(void **state)
{
    static const char *const table[][2] = {
        {"moon.profile 'microsft'", "there is no such profile; did you mean 'microsoft'?"},
        {"moon.profile 'nobody'",
         "there is no such profile: google, microsoft and yahoo come along"},
        {"moon.profile 'rules'", "there is no such profile"},
        {"moon.profile 'providers'", "there is no such profile"},
        {"moon.profile '../standard'", "there is no such profile"},
        {"moon.profile('google').check(m)", "google:check wants the message, after a colon"},
        {"moon.profile('google'):check()", "google:check wants the message, after a colon"},
        {"moon.profile('google'):chekc(m)",
         "the profile has no field 'chekc'; did you mean 'check'?"},
        {"moon.profile('google').bulk",
         "the profile has no field 'bulk'; it has: applies, check, dated"},
        {"moon.profile('google')[1]", "the profile has no field of type number"},
        {"moon.profile('google'):check(m, true)",
         "its second argument is a table: { bulk = true }"},
        {"moon.profile('google'):check(m, { blk = true })",
         "google:check has no field 'blk'; did you mean 'bulk'?"},
        {"moon.profile('google'):check(m, { 'x' })", "google:check has no field '[1]'"},
        {"moon.profile('google'):check(m, { bulk = 1 })", "bulk is true or false, not a number"},
        {"moon.profile('google'):check(m, { bulk = true }).txt",
         "what is unmet has no field 'txt'; did you mean 'text'?"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[500];
        struct scan_result result;
        struct scan_case test = {.policy = text};
        (void)snprintf(text, sizeof text,
                       "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                       "local x = %s\nend }",
                       table[i][0]);
        scan_case_run(&test, &result);
        const char *got = result.verdict.failure ? result.verdict.failure : "no failure";
        if (!strstr(got, table[i][1]) || strncmp(got, "tenants/acme.lua:3: ", 20) != 0)
            fail_msg("%s: got '%s', want '%s'", table[i][0], got, table[i][1]);
        scan_case_end(&result);
    }
}

/* What a policy does to its copy of a profile, or to the library, stays with it. */
static void nobody_changes_a_profile_for_others(void **state)
{
    static const char *const tricks[] = {
        "moon.profile('google').name = 'x'",
        "moon.profile('google'):check(m, { bulk = true }).text = 'x'",
        "setmetatable(moon.profile('google'), {})",
        "rawget(getmetatable(moon.profile('google')), '__index')",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        char text[400];
        struct scan_result result;
        struct scan_case test = {.policy = text, .other = UNMET("google", BULK)};
        (void)snprintf(text, sizeof text,
                       "local moon = require 'moonscan'\nreturn { message = function(m)\n"
                       "table.insert = function() end string.gsub = error\n%s\nend }",
                       tricks[i]);
        scan_case_run(&test, &result);
        assert_non_null(result.verdict.failure);
        const struct moon_verdict *other = &result.outcome.tenants[1].verdict;
        assert_null(other->failure);
        assert_string_equal(other->reason,
                            "spf_or_dkim reverse_dns tls spf dkim dmarc_record aligned");
        scan_case_end(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requirements_are_what_the_receivers_ask_for),
        cmocka_unit_test(what_nobody_can_tell_is_not_unmet),
        cmocka_unit_test(check_gives_the_first_with_text_and_code),
        cmocka_unit_test(misuse_names_the_cure),
        cmocka_unit_test(nobody_changes_a_profile_for_others),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
