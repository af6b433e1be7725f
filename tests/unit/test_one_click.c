/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/one_click.c: RFC 8058 sections 3.1 and 4, with messages that are really signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/scan_case.h"

#define POLICY                                                                                     \
    "local moon = require 'moonscan'\n"                                                            \
    "return { message = function(m)\n"                                                             \
    "return m.list.one_click and moon.accept {} or moon.discard {} end }"
#define WHERE "List-Unsubscribe: <mailto:u@shop.example>,\n <https://shop.example/u?42>\n"
#define POST  "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
#define BOTH  "from:list-unsubscribe:list-unsubscribe-post"

static void expect(const char *what, const char *fields, const struct scan_sign *sign, bool want)
{
    struct scan_result result;
    struct scan_case test = {.policy = POLICY, .fields = fields};
    if (sign)
        test.signs[0] = *sign;
    scan_case_run(&test, &result);
    if (result.verdict.failure ||
        result.verdict.kind != (want ? MOON_VERDICT_ACCEPT : MOON_VERDICT_DISCARD))
        fail_msg("%s: got %s, want %s", what,
                 result.verdict.failure                       ? result.verdict.failure
                 : result.verdict.kind == MOON_VERDICT_ACCEPT ? "true"
                                                              : "false",
                 want ? "true" : "false");
    scan_case_end(&result);
}

/* RFC 8058 section 3.1 */
static void an_https_address_and_the_promise_are_wanted(void **state)
{
    static const struct {
        const char *what, *fields;
        bool want;
    } table[] = {
        {"both", WHERE POST, true},
        {"https alone", "List-Unsubscribe: <https://shop.example/u>\n" POST, true},
        {"the promise in other case", WHERE "LIST-Unsubscribe-Post: list-unsubscribe=one-click\n",
         true},
        {"a folded promise", WHERE "List-Unsubscribe-Post:\n List-Unsubscribe=One-Click\n", true},
        {"an address literal", "List-Unsubscribe: <https://[2001:db8::1]/u>\n" POST, true},
        {"no promise", WHERE, false},
        {"no address", POST, false},
        {"only mail", "List-Unsubscribe: <mailto:u@shop.example>\n" POST, false},
        {"only http", "List-Unsubscribe: <http://shop.example/u>\n" POST, false},
        {"https without a host", "List-Unsubscribe: <https://>\n" POST, false},
        {"https at the very end", "List-Unsubscribe: <https://\n" POST, false},
        {"another promise", WHERE "List-Unsubscribe-Post: List-Unsubscribe=Two-Clicks\n", false},
        {"more than the promise",
         WHERE "List-Unsubscribe-Post: List-Unsubscribe=One-Click; now=1\n", false},
        {"two promises", WHERE POST POST, false},
        {"two fields of addresses", WHERE WHERE POST, false},
        {"nothing", "", false},
    };
    static const struct scan_sign sign = {.domain = "shop.example", .headers = BOTH};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(table[i].what, table[i].fields, &sign, table[i].want);
}

/* RFC 8058 section 4 */
static void one_valid_signature_must_cover_both_fields(void **state)
{
    static const struct {
        const char *what;
        struct scan_sign sign;
        bool want;
    } table[] = {
        {"covered", {.domain = "shop.example", .headers = BOTH}, true},
        {"covered by somebody else's", {.domain = "sender.example", .headers = BOTH}, true},
        {"covered, and nothing can be added",
         {.domain = "shop.example", .headers = BOTH ":list-unsubscribe:list-unsubscribe-post"},
         true},
        {"no signature", {.domain = NULL}, false},
        {"a signature that fails",
         {.domain = "shop.example", .headers = BOTH ":subject", true},
         false},
        {"the address alone",
         {.domain = "shop.example", .headers = "from:list-unsubscribe"},
         false},
        {"the promise alone",
         {.domain = "shop.example", .headers = "from:list-unsubscribe-post"},
         false},
        {"neither", {.domain = "shop.example", .headers = "from:to"}, false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect(table[i].what, WHERE POST, &table[i].sign, table[i].want);
}

/* Two signatures that cover one field each: together they promise nothing. */
static void two_halves_are_no_whole(void **state)
{
    struct scan_result result;
    struct scan_case test = {
        .policy = POLICY,
        .fields = WHERE POST,
        .signs = {{.domain = "shop.example", .headers = "from:list-unsubscribe"},
                  {.domain = "shop.example", .headers = "from:list-unsubscribe-post"}}};
    (void)state; /* cmocka's, not used */
    scan_case_run(&test, &result);
    assert_null(result.verdict.failure);
    assert_int_equal(result.outcome.results.dkim.result, MOON_RESULT_PASS);
    assert_int_equal(result.verdict.kind, MOON_VERDICT_DISCARD);
    scan_case_end(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_https_address_and_the_promise_are_wanted),
        cmocka_unit_test(one_valid_signature_must_cover_both_fields),
        cmocka_unit_test(two_halves_are_no_whole),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
