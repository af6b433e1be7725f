/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/sender_facts.c and engine/auth/author.c: m.sender, and who counts as a bulk sender.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/store/store.h"
#include "tests/support/scan_case.h"

#define SHOW(value)                                                                                \
    "local moon = require 'moonscan'\n"                                                            \
    "return { message = function(m)\nreturn moon.accept { reason = tostring(" value ") } end }"
#define VOLUME SHOW("m.sender.volume_24h")
#define SPF    "shop.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"
#define DMARC  "_dmarc.shop.example. TXT \"v=DMARC1; p=none\"\n"

static void expect(const char *what, const struct scan_case *test, const char *want)
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

static struct moon_store *new_store(void)
{
    struct moon_store *store = NULL;
    struct moon_error error = {""};
    assert_int_equal(moon_store_memory(&store, &error), MOON_OK);
    return store;
}

/* --- who runs the host ------------------------------------------------------------------------ */

#define WHO                                                                                        \
    SHOW("m.sender.provider) .. '|' .. tostring(m.sender.evidence_kind) .. '|' .. tostring("       \
         "m.sender.evidence")

static void the_strongest_evidence_speaks(void **state)
{
    static const struct scan_case table[] = {
        {.host = "mail-wm1-f41.google.com"},
        {.host = "MAIL-x.Google.COM."},
        {.host = "google.com"},
        {.host = "notgoogle.com"},
        {.host = "google.com.evil.example"},
        {.host = "x.googleusercontent.com"},
        {.ip = "209.85.128.41"},
        {.ip = "2a00:1450:4864:20::32a"},
        {.ip = "2a00:1450:4865::1"},
        {.ip = "40.107.22.1", .host = "mail.google.com"},
        {.mail_from = "a@gmail.com", .zone = "gmail.com. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"},
        {.mail_from = "a@gmail.com", .zone = "gmail.com. TXT \"v=spf1 -all\"\n"},
        {.signs = {{.domain = "icloud.com"}}},
        {.signs = {{.domain = "icloud.com", .broken = true}}},
        {.signs = {{.domain = "shop.example"}, {.domain = "x.onmicrosoft.com"}}},
        {.signs = {{.domain = "icloud.com"}}, .ip = "40.107.22.1"},
    };
    static const char *const wants[] = {
        "google|hostname|host name mail-wm1-f41.google.com",
        "google|hostname|host name mail-x.google.com",
        "google|hostname|host name google.com",
        "nil|nil|nil",
        "nil|nil|nil",
        "nil|nil|nil",
        "google|network|address 209.85.128.41 in 209.85.128.0/17",
        "google|network|address 2a00:1450:4864:20::32a in 2a00:1450:4864::/56",
        "nil|nil|nil",
        "google|hostname|host name mail.google.com",
        "google|spf|SPF pass of gmail.com",
        "nil|nil|nil",
        "apple|dkim|DKIM pass of icloud.com",
        "nil|nil|nil",
        "microsoft|dkim|DKIM pass of x.onmicrosoft.com",
        "microsoft|network|address 40.107.22.1 in 40.107.0.0/16",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct scan_case test = table[i];
        char what[24];
        test.policy = WHO;
        (void)snprintf(what, sizeof what, "row %zu", i);
        expect(what, &test, wants[i]);
    }
}

/* The value stands among the facts that the decision read. */
static void the_evidence_is_in_the_record(void **state)
{
    struct scan_case test = {.policy = SHOW("m.sender.provider"), .host = "mail-x.google.com"};
    struct scan_result result;
    (void)state; /* cmocka's, not used */
    scan_case_run(&test, &result);
    assert_int_equal(result.verdict.fact_count, 2);
    assert_string_equal(result.verdict.facts[0], "sender: google, host name mail-x.google.com");
    assert_string_equal(result.verdict.facts[1], "sender.provider");
    scan_case_end(&result);
}

static void a_sites_own_table_takes_the_place(void **state)
{
    static const char *const files[][2] = {
        {"profile/profiles/providers.lua",
         "return { dated = '2026-01-01', { name = 'mine', title = 'Mine', source = 'we know',\n"
         "hosts = { 'shop.example' } } }"},
        {NULL, NULL}};
    static const char *const broken[][2] = {
        {"profile/profiles/providers.lua", "return {\n{ name = 'mine' } }"}, {NULL, NULL}};
    struct scan_case test = {.policy = WHO, .files = files, .host = "out.shop.example"};
    (void)state; /* cmocka's, not used */
    expect("mine", &test, "mine|hostname|host name out.shop.example");
    test.host = "mail.google.com";
    expect("no other", &test, "nil|nil|nil");
    test.files = broken;
    expect("broken", &test,
           "tenants/acme.lua:3: m.sender: profiles/providers.lua:1: dated is missing");
}

/* --- whose mail it is --------------------------------------------------------------------------
 */

static void only_a_proven_organization_is_told(void **state)
{
    static const struct {
        const char *what;
        struct scan_case mail;
        const char *want;
    } table[] = {
        {"SPF", {.zone = SPF}, "shop.example"},
        {"DKIM", {.signs = {{.domain = "shop.example"}}}, "shop.example"},
        {"below the domain", {.signs = {{.domain = "news.shop.example"}}}, "shop.example"},
        {"From below it",
         {.signs = {{.domain = "shop.example"}}, .fields = "From: a@x.y.shop.example\n"},
         "shop.example"},
        {"nothing", {.zone = DMARC}, "nil"},
        {"a stranger's signature", {.signs = {{.domain = "evil.example"}}}, "nil"},
        {"a stranger's SPF",
         {.mail_from = "a@evil.example",
          .zone = "evil.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"},
         "nil"},
        {"a signature that fails", {.signs = {{.domain = "shop.example", .broken = true}}}, "nil"},
        /* a sender must not divide himself by records of his own */
        {"psd=n below",
         {.signs = {{.domain = "shop.example"}},
          .fields = "From: a@x.shop.example\n",
          .zone = DMARC "_dmarc.x.shop.example. TXT \"v=DMARC1; p=none; psd=n\"\n"},
         "shop.example"},
        /* DMARC knows more than the list where a record stands at a private suffix */
        {"aligned by DMARC alone",
         {.signs = {{.domain = "github.io"}},
          .fields = "From: a@shop.github.io\n",
          .zone = "_dmarc.github.io. TXT \"v=DMARC1; p=none\"\n"},
         "shop.github.io"},
        {"two authors", {.zone = SPF, .fields = "From: a@shop.example, b@bank.example\n"}, "nil"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct scan_case test = table[i].mail;
        test.policy = SHOW("m.sender.organizational_domain");
        expect(table[i].what, &test, table[i].want);
    }
}

/* --- volume ------------------------------------------------------------------------------------
 */

static void proven_mail_of_an_organization_is_counted_together(void **state)
{
    struct moon_store *store = new_store();
    struct scan_case own = {.policy = VOLUME, .zone = SPF, .store = store};
    struct scan_case below = {.policy = VOLUME,
                              .signs = {{.domain = "news.shop.example"}},
                              .fields = "From: a@news.shop.example\n",
                              .store = store};
    struct scan_case forged = {.policy = VOLUME, .store = store};
    struct scan_case stranger = {.policy = VOLUME,
                                 .signs = {{.domain = "evil.example"}},
                                 .fields = "From: a@evil.example\n",
                                 .store = store};
    struct scan_case nobody = {.policy = VOLUME,
                               .zone = SPF,
                               .fields = "From: a@shop.example, b@bank.example\n",
                               .store = store};
    struct scan_case no_store = {.policy = VOLUME, .zone = SPF};
    (void)state; /* cmocka's, not used */
    expect("the first", &own, "1");
    expect("below it", &below, "2");
    expect("forged mail looks only", &forged, "2");
    expect("forged mail was not counted", &own, "3");
    expect("another's", &stranger, "1");
    expect("nobody's", &nobody, "nil");
    expect("no store", &no_store, "nil");
    moon_store_destroy(&store);
}

/* However many tenants and layers ask, and however often. */
static void a_message_counts_once(void **state)
{
    struct moon_store *store = new_store();
    static const char *const site[][2] = {
        {"site", "site.lua"},
        {"policy/site.lua", "return { message = function(m) local x = m.sender.volume_24h end }"},
        {NULL, NULL}};
    const char *thrice = SHOW("{ m.sender.volume_24h, m.sender.volume_24h, m.sender.volume_24h })"
                              " .. table.concat({ m.sender.volume_24h, m.sender.volume_24h }, ' '");
    struct scan_case test = {.policy = thrice,
                             .other = "return { message = function(m) local x = "
                                      "m.sender.volume_24h end }",
                             .files = site,
                             .zone = SPF,
                             .store = store};
    (void)state; /* cmocka's, not used */
    expect("the first", &test, "table1 1");
    expect("the second", &test, "table2 2");
    moon_store_destroy(&store);
}

static void nothing_is_counted_before_somebody_asks(void **state)
{
    struct moon_store *store = new_store();
    struct scan_case other = {
        .policy = SHOW("m.sender.organizational_domain"), .zone = SPF, .store = store};
    struct scan_case own = {.policy = VOLUME, .zone = SPF, .store = store};
    (void)state; /* cmocka's, not used */
    expect("does not ask", &other, "shop.example");
    expect("asks", &own, "1");
    moon_store_destroy(&store);
}

#define PROFILE(sticky)                                                                            \
    "return { name = 'mine', title = 'Mine', dated = '2026-01-01', esc = '5.7.1',\n"               \
    "sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },\n"                            \
    "bulk = { messages = 3, sticky = " sticky " },\n"                                              \
    "requires = { { requirement = 'tls', of = 'bulk', text = 'TLS' } } }"
#define APPLIES                                                                                    \
    "local moon = require 'moonscan'\nlocal p = moon.profile 'mine'\n"                             \
    "return { message = function(m)\n"                                                             \
    "return moon.accept { reason = tostring(p:applies(m)) .. ' ' ..\n"                             \
    "(p:check(m) and 'unmet' or 'met') } end }"

/* Three messages make a bulk sender of a domain; forged ones do not. Days later only the sticky one
 * remains: moon_store_memory has no clock of its own, the message's time counts. */
static void who_once_sent_in_bulk_stays_a_bulk_sender(void **state)
{
    static const char *const texts[] = {PROFILE("true"), PROFILE("false")};
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 2; i++) {
        struct moon_store *store = new_store();
        const char *const files[][2] = {{"profile/profiles/mine.lua", texts[i]}, {NULL, NULL}};
        struct scan_case own = {.policy = APPLIES, .files = files, .zone = SPF, .store = store};
        struct scan_case forged = {.policy = APPLIES, .files = files, .store = store};
        expect("first", &own, "false met");
        expect("forged", &forged, "false met");
        expect("forged", &forged, "false met");
        expect("second", &own, "false met");
        expect("third", &own, "true unmet");
        expect("forged in the name of a bulk sender", &forged, "true unmet");
        own.days_later = forged.days_later = 30;
        expect("a month later", &own, i == 0 ? "true unmet" : "false met");
        own.days_later = 500;
        expect("after more than a year", &own, "false met");
        own.store = NULL;
        own.days_later = 0;
        expect("no store", &own, "nil met");
        moon_store_destroy(&store);
    }
}

static void the_first_time_is_remembered_of_proven_mail(void **state)
{
    struct moon_store *store = new_store();
    struct scan_case own = {
        .policy = SHOW("m.sender.first_seen_days"), .zone = SPF, .store = store};
    struct scan_case forged = {.policy = own.policy, .store = store};
    (void)state; /* cmocka's, not used */
    expect("forged", &forged, "nil");
    expect("new", &own, "0");
    own.days_later = forged.days_later = 12;
    expect("twelve days later", &own, "12");
    expect("forged then", &forged, "12");
    own.store = NULL;
    expect("no store", &own, "nil");
    moon_store_destroy(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_evidence_speaks),
        cmocka_unit_test(the_evidence_is_in_the_record),
        cmocka_unit_test(a_sites_own_table_takes_the_place),
        cmocka_unit_test(only_a_proven_organization_is_told),
        cmocka_unit_test(proven_mail_of_an_organization_is_counted_together),
        cmocka_unit_test(a_message_counts_once),
        cmocka_unit_test(nothing_is_counted_before_somebody_asks),
        cmocka_unit_test(who_once_sent_in_bulk_stays_a_bulk_sender),
        cmocka_unit_test(the_first_time_is_remembered_of_proven_mail),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
