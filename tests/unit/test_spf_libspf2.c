/* SPDX-License-Identifier: MIT
 *
 * spf_libspf2: the walk, above all where libspf2 by itself answers otherwise than RFC 7208. Each
 * row's answer: result, matched term, terms/voids, questions asked, explanation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "tests/support/spf_table.h"

#define ROWS(rows) assert_int_equal(moon_spf_rows_wrong(rows, sizeof rows / sizeof *rows), 0)
#define D          "d.example. TXT "

/* A record of `count` networks none of which holds the client, then `end`. */
static const char *long_zone(char *zone, size_t size, size_t count, const char *network,
                             const char *end)
{
    size_t n = (size_t)snprintf(zone, size, "d.example. TXT \"v=spf1 \"");
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(zone + n, size - n, " \"%s%zu \"", network, i);
    n += (size_t)snprintf(zone + n, size - n, " \"%s\"\n", end);
    assert_true(n < size);
    return zone;
}

/* libspf2 drops the terms behind 511 bytes of bytecode, and with them the final -all. */
static void evaluates_every_term_of_a_long_record(void **state)
{
    static char zone[60000];
    struct moon_spf_row row = {.what = "long", .zone = zone};

    (void)state; /* rows carry all */
    (void)long_zone(zone, sizeof zone, 70, "ip4:198.51.100.", "-all");
    assert_string_equal(moon_spf_row_run(&row), "fail -all 0/0 1");
    (void)long_zone(zone, sizeof zone, 200, "ip4:198.51.100.", "ip4:192.0.2.1 -all");
    assert_string_equal(moon_spf_row_run(&row), "pass ip4:192.0.2.1 0/0 1");
    (void)long_zone(zone, sizeof zone, 30, "ip6:2001:db8:1::", "-all");
    assert_string_equal(moon_spf_row_run(&row), "fail -all 0/0 1");
    (void)long_zone(zone, sizeof zone, 250, "ip6:2001:db8:1::", "a:d.example -all");
    assert_string_equal(moon_spf_row_run(&row), "fail -all 1/1 2");
}

/* RFC 7208 sections 4.6.2, 4.7, 5, 5.2 and 5.7 */
static void names_the_term_that_decided(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("default", D "\"v=spf1\"", "neutral - 0/0 1"),
        MOON_SPF_ROW("no match", D "\"v=spf1 ip4:192.0.2.2 a\"", "neutral - 1/1 2"),
        MOON_SPF_ROW("all", D "\"v=spf1 ?all\"", "neutral ?all 0/0 1"),
        MOON_SPF_ROW("after all", D "\"v=spf1 ~all ip4:192.0.2.1 -all\"", "softfail ~all 0/0 1"),
        MOON_SPF_ROW("ip4", D "\"v=spf1 -ip4:192.0.2.0/24 +all\"", "fail -ip4:192.0.2.0/24 0/0 1"),
        MOON_SPF_ROW("a", D "\"v=spf1 a -all\"\nd.example. A 192.0.2.1", "pass a 1/0 2"),
        MOON_SPF_ROW("a by prefix", D "\"v=spf1 A/24 -all\"\nd.example. A 192.0.2.200",
                     "pass A/24 1/0 2"),
        MOON_SPF_ROW("a not by prefix", D "\"v=spf1 a/25 -all\"\nd.example. A 192.0.2.200",
                     "fail -all 1/0 2"),
        MOON_SPF_ROW("mx",
                     D "\"v=spf1 mx -all\"\nd.example. MX 1 m.example.\nm.example. A 192.0.2.1",
                     "pass mx 1/0 3"),
        MOON_SPF_ROW("second mx",
                     D
                     "\"v=spf1 mx -all\"\nd.example. MX 1 l.example.\nd.example. MX 2 m.example.\n"
                     "l.example. A 192.0.2.9\nm.example. A 192.0.2.1",
                     "pass mx 1/0 4"),
        MOON_SPF_ROW("exists",
                     D "\"v=spf1 exists:%{i}.e.example -all\"\n192.0.2.1.e.example. A 127.0.0.2",
                     "pass exists:%{i}.e.example 1/0 2"),
        MOON_SPF_ROW(
            "include",
            D "\"v=spf1 ~include:i.example -all\"\ni.example. TXT \"v=spf1 a ip4:192.0.2.1\"",
            "softfail ~include:i.example 2/1 3"),
        MOON_SPF_ROW("include without match",
                     D "\"v=spf1 include:i.example -all\"\ni.example. TXT \"v=spf1 ~all\"",
                     "fail -all 1/0 2"),
        MOON_SPF_ROW("redirect",
                     D "\"v=spf1 redirect=r.example\"\nr.example. TXT \"v=spf1 ~ip4:192.0.2.1\"",
                     "softfail ~ip4:192.0.2.1 1/0 2"),
        MOON_SPF_ROW("redirect twice",
                     D
                     "\"v=spf1 redirect=r.example\"\nr.example. TXT \"v=spf1 redirect=s.example\"\n"
                     "s.example. TXT \"v=spf1 mx -all\"",
                     "fail -all 3/1 4"),
        MOON_SPF_ROW(
            "redirect inside an include does not move the result",
            D "\"v=spf1 include:i.example ?all\"\ni.example. TXT \"v=spf1 redirect=r.example\"\n"
              "r.example. TXT \"v=spf1 -all\"",
            "neutral ?all 2/0 3"),
        MOON_SPF_ROW("include of nothing", D "\"v=spf1 include:i.example -all\"",
                     "permerror - 1/0 2"),
        MOON_SPF_ROW("include of no name", D "\"v=spf1 include:i..example -all\"",
                     "permerror - 1/0 1"),
        MOON_SPF_ROW("include of a single label",
                     D "\"v=spf1 include:%{h} -all\"\nsingle. TXT \"v=spf1 +all\"",
                     "permerror - 1/0 1", .helo = "single"),
        MOON_SPF_ROW("redirect to nothing", D "\"v=spf1 redirect=r.example\"", "permerror - 1/0 2"),
        MOON_SPF_ROW("bad include",
                     D "\"v=spf1 include:i.example -all\"\ni.example. TXT \"v=spf1 moo\"",
                     "permerror - 1/0 2"),
        MOON_SPF_ROW("included error",
                     D "\"v=spf1 include:i.example -all\"\ni.example. TXT SERVFAIL",
                     "temperror - 1/0 2"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 sections 5.3, 5.4 and 5.6; libspf2 cannot express a prefix length of 0. */
static void matches_prefixes_of_length_zero(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("ip4", D "\"v=spf1 ip4:10.0.0.1/0 -all\"", "pass ip4:10.0.0.1/0 0/0 1"),
        MOON_SPF_ROW("ip6", D "\"v=spf1 ip6:::/0 -all\"", "pass ip6:::/0 0/0 1",
                     .ip = "2001:db8::1"),
        MOON_SPF_ROW("ip6 for IPv4", D "\"v=spf1 ip6:::/0 -all\"", "fail -all 0/0 1"),
        MOON_SPF_ROW("a", D "\"v=spf1 a/0 -all\"\nd.example. A 10.0.0.1", "pass a/0 1/0 2"),
        MOON_SPF_ROW("a without address", D "\"v=spf1 a/0 -all\"", "fail -all 1/1 2"),
        MOON_SPF_ROW("a of the other family", D "\"v=spf1 a//0 -all\"\nd.example. AAAA ::1",
                     "fail -all 1/1 2"),
        MOON_SPF_ROW(
            "mx",
            D "\"v=spf1 mx/0 -all\"\nd.example. MX 1 l.example.\nd.example. MX 2 m.example.\n"
              "m.example. A 10.0.0.1",
            "pass mx/0 1/1 4"),
        MOON_SPF_ROW("mx without host", D "\"v=spf1 mx/0 -all\"", "fail -all 1/1 2"),
        MOON_SPF_ROW("null mx", D "\"v=spf1 mx/0 mx -all\"\nd.example. MX 0 .", "fail -all 2/0 2"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 6.1; libspf2 runs redirect in place. */
static void uses_redirect_last_and_never_beside_all(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("before all",
                     D "\"v=spf1 redirect=r.example -all\"\nr.example. TXT \"v=spf1 +all\"",
                     "fail -all 0/0 1"),
        MOON_SPF_ROW("before a match", D "\"v=spf1 redirect=r.example ip4:192.0.2.1\"",
                     "pass ip4:192.0.2.1 0/0 1"),
        MOON_SPF_ROW("before no match",
                     D
                     "\"v=spf1 redirect=r.example ip4:192.0.2.9\"\nr.example. TXT \"v=spf1 -all\"",
                     "fail -all 1/0 2"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 7; first: libspf2 loses the first character of "strong". */
static void expands_macros_in_names_of_terms(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW(
            "fewer labels than asked for",
            D "\"v=spf1 exists:%{l1}.%{d4}.e.example -all\"\nuser.d.example.e.example. A 127.0.0.2",
            "pass exists:%{l1}.%{d4}.e.example 1/0 2"),
        MOON_SPF_ROW("many labels",
                     D "\"v=spf1 exists:%{l129}.e.example -all\"\nuser.e.example. A 127.0.0.2",
                     "pass exists:%{l129}.e.example 1/0 2"),
        MOON_SPF_ROW("comma and slash",
                     D "\"v=spf1 exists:%{l,/}.e.example -all\"\na.b.c.e.example. A 127.0.0.2",
                     "pass exists:%{l,/}.e.example 1/0 2", .mail_from = "a,b/c@d.example"),
        MOON_SPF_ROW("bar", D "\"v=spf1 exists:%{l|}.e.example -all\"", "permerror - 0/0 1"),
        MOON_SPF_ROW(
            "current domain of an include",
            D "\"v=spf1 include:I.Example -all\"\ni.example. TXT \"v=spf1 exists:%{d}.%{o}\"\n"
              "i.example.d.example. A 127.0.0.2",
            "pass include:I.Example 2/0 3"),
        MOON_SPF_ROW("a space in the local part is one label's byte, not a new term",
                     D "\"v=spf1 include:%{l}.e.example -all\"\n"
                       "\"a\\032+all\\032b.e.example.\" TXT \"v=spf1 +all\"",
                     "permerror - 1/0 2", .mail_from = "a +all@d.example"),
        MOON_SPF_ROW("a name that cannot be is not asked for", D "\"v=spf1 a:%{l}.e.example -all\"",
                     "fail -all 1/1 1", .mail_from = "a..b@d.example"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 5; libspf2 passes loopback clients and takes mapped addresses for IPv6. */
static void evaluates_every_client_address_alike(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("IPv4 loopback", D "\"v=spf1 -all\"", "fail -all 0/0 1", .ip = "127.0.0.1"),
        MOON_SPF_ROW("IPv6 loopback", D "\"v=spf1 -all\"", "fail -all 0/0 1", .ip = "::1"),
        MOON_SPF_ROW("mapped", D "\"v=spf1 ip4:192.0.2.1 -all\"", "pass ip4:192.0.2.1 0/0 1",
                     .ip = "::ffff:192.0.2.1"),
        MOON_SPF_ROW("mapped network", D "\"v=spf1 ip6:::ffff:192.0.2.0/96 -all\"",
                     "fail -all 0/0 1", .ip = "::ffff:192.0.2.1"),
        MOON_SPF_ROW("IPv6 a",
                     D "\"v=spf1 a//64 -all\"\nd.example. AAAA 2001:db8::9\nd.example. A 192.0.2.1",
                     "pass a//64 1/0 2", .ip = "2001:db8::1"),
        MOON_SPF_ROW("IPv6 mx",
                     D
                     "\"v=spf1 mx -all\"\nd.example. MX 1 m.example.\nm.example. AAAA 2001:db8::1",
                     "pass mx 1/0 3", .ip = "2001:db8::1"),
        MOON_SPF_ROW("exists asks A", D "\"v=spf1 exists:e.example -all\"\ne.example. A 127.0.0.2",
                     "pass exists:e.example 1/0 2", .ip = "2001:db8::1"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

static void shows_the_beginning_of_a_long_term(void **state)
{
    (void)state;                          /* cmocka's, not used */
    for (size_t n = 299; n <= 301; n++) { /* of "include:" and labels of 32 bytes */
        struct moon_arena *arena = moon_arena_create(1u << 20);
        struct moon_spf_query query = {
            .helo = "mx.example", .mail_from = "user@d.example", .receiver = "r.example"};
        struct moon_dns_backend *backend;
        struct moon_error error = {{0}};
        struct moon_spf spf;
        char term[302] = "include:";
        for (size_t i = strlen("include:"); i < n; i++)
            term[i] = i % 33 == 32 && i + 1 < n ? '.' : 'a';
        term[n] = '\0';
        assert_true(moon_ip_parse(MOON_SPAN("192.0.2.1"), &query.ip));
        char *zone = moon_arena_printf(arena, "d.example. TXT \"v=spf1 %.200s\" \"%s -all\"\n",
                                       term, term + 200);
        assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error),
                         MOON_OK);
        struct moon_dns *dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 0);
        assert_int_equal(moon_spf_check_mail_from(arena, dns, &query, &spf), MOON_OK);
        assert_int_equal(spf.result, MOON_RESULT_PERMERROR);
        assert_string_equal(spf.reason,
                            moon_arena_printf(arena, "%.300s: no SPF record there", term));
        moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
        moon_arena_destroy(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluates_every_term_of_a_long_record),
        cmocka_unit_test(names_the_term_that_decided),
        cmocka_unit_test(matches_prefixes_of_length_zero),
        cmocka_unit_test(uses_redirect_last_and_never_beside_all),
        cmocka_unit_test(expands_macros_in_names_of_terms),
        cmocka_unit_test(evaluates_every_client_address_alike),
        cmocka_unit_test(shows_the_beginning_of_a_long_term),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
