/* SPDX-License-Identifier: MIT
 *
 * spf: identities, internationalized mail, what a result carries, and the end of memory.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"
#include "engine/dns/backend.h"
#include "tests/support/spf_table.h"

#define ROWS(rows) assert_int_equal(moon_spf_rows_wrong(rows, sizeof rows / sizeof *rows), 0)
#define LABEL_63   "a23456789012345678901234567890123456789012345678901234567890123"

/* RFC 7208 sections 2.4 and 4.3 */
static void checks_the_identity_of_mail_from(void **state)
{
#define ZONE                                                                                       \
    "mx.example. TXT \"v=spf1 -all exp=x.example\"\nd.example. TXT \"v=spf1 -all "                 \
    "exp=x.example\"\n"                                                                            \
    "x.example. TXT \"%{s} %{l} %{o} %{h}\""
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("ordinary", ZONE, "fail -all 0/0 2: user@d.example user d.example mx.example"),
        MOON_SPF_ROW("null sender", ZONE,
                     "fail -all 0/0 2: postmaster@mx.example postmaster mx.example mx.example",
                     .mail_from = ""),
        MOON_SPF_ROW("no local part", ZONE,
                     "fail -all 0/0 2: postmaster@d.example postmaster d.example mx.example",
                     .mail_from = "@d.example"),
        MOON_SPF_ROW("split at the last @", ZONE,
                     "fail -all 0/0 2: a@b@d.example a@b d.example mx.example",
                     .mail_from = "a@b@d.example"),
        MOON_SPF_ROW("case and final dot", ZONE,
                     "fail -all 0/0 2: User@d.example User d.example mx.example",
                     .mail_from = "User@D.Example."),
        MOON_SPF_ROW("no domain", ZONE, "none - 0/0 0", .mail_from = "user"),
        MOON_SPF_ROW("one label", ZONE, "none - 0/0 0", .mail_from = "user@localhost"),
        MOON_SPF_ROW("address literal", ZONE, "none - 0/0 0", .mail_from = "user@[192.0.2.1]"),
        MOON_SPF_ROW("empty label", ZONE, "none - 0/0 0", .mail_from = "user@d..example"),
        MOON_SPF_ROW("long label", ZONE, "none - 0/0 0", .mail_from = "user@" LABEL_63 "4.example"),
        MOON_SPF_ROW("longest label", ZONE, "none - 0/0 1",
                     .mail_from = "user@" LABEL_63 ".example"),
        MOON_SPF_ROW("long name", ZONE, "none - 0/0 0",
                     .mail_from =
                         "user@" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".example"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

static void checks_the_identity_of_helo(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("ordinary", ZONE,
                     "fail -all 0/0 2: postmaster@mx.example postmaster mx.example mx.example",
                     .mail_from = "-"),
        MOON_SPF_ROW("final dot", ZONE,
                     "fail -all 0/0 2: postmaster@mx.example postmaster mx.example MX.example.",
                     .mail_from = "-", .helo = "MX.example."),
        MOON_SPF_ROW("empty", ZONE, "none - 0/0 0", .mail_from = "-", .helo = ""),
        MOON_SPF_ROW("address literal", ZONE, "none - 0/0 0", .mail_from = "-",
                     .helo = "[192.0.2.1]"),
        MOON_SPF_ROW("one label", ZONE, "none - 0/0 0", .mail_from = "-", .helo = "OEMCOMPUTER"),
        MOON_SPF_ROW("an @ in it", ZONE, "none - 0/0 0", .mail_from = "-",
                     .helo = "user@mx.example"),
        MOON_SPF_ROW("null sender, bad HELO", ZONE, "none - 0/0 0", .mail_from = "",
                     .helo = "[192.0.2.1]"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 8616 sections 3 and 4 */
static void handles_internationalized_addresses(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("U-labels are looked up as A-labels",
                     "xn--bcher-kva.example. TXT \"v=spf1 -all exp=x.example\"\nx.example. TXT "
                     "\"%{o} %{h}\"",
                     "fail -all 0/0 2: xn--bcher-kva.example xn--bcher-kva.example",
                     .mail_from = "user@B\xc3\xbc"
                                  "cher.example",
                     .helo = "b\xc3\xbc"
                             "cher.example"),
        MOON_SPF_ROW("any byte beyond ASCII, also one that is no UTF-8",
                     "d.example. TXT \"v=spf1 exists:%{l}.e.example ip4:192.0.2.1\"\n"
                     "*.example. A 127.0.0.2",
                     "pass ip4:192.0.2.1 1/0 1", .mail_from = "\x80@d.example"),
        MOON_SPF_ROW("the last byte of ASCII is one of it",
                     "d.example. TXT \"v=spf1 exists:%{l}.e.example -all\"\n*.example. A 127.0.0.2",
                     "pass exists:%{l}.e.example 1/0 2", .mail_from = "\x7f@d.example"),
        MOON_SPF_ROW(
            "terms with the local part never match, but count",
            "d.example. TXT \"v=spf1 exists:%{l}.e.example include:%{s}.e.example a:%{L1}.x.example"
            " ip4:192.0.2.1\"\n*.example. A 127.0.0.2",
            "pass ip4:192.0.2.1 3/0 1", .mail_from = "\xc3\xa4@d.example"),
        MOON_SPF_ROW(
            "other terms do",
            "d.example. TXT \"v=spf1 exists:%{d}.e.example\"\nd.example.e.example. A 127.0.0.2",
            "pass exists:%{d}.e.example 1/0 2", .mail_from = "\xc3\xa4@d.example"),
        MOON_SPF_ROW("redirect is as if it were not there",
                     "d.example. TXT \"v=spf1 redirect=%{l}.e.example\"", "neutral - 0/0 1",
                     .mail_from = "\xc3\xa4@d.example"),
        MOON_SPF_ROW("exp, too", "d.example. TXT \"v=spf1 -all exp=%{l}.e.example\"",
                     "fail -all 0/0 1", .mail_from = "\xc3\xa4@d.example"),
        MOON_SPF_ROW("an explanation stays ASCII",
                     "d.example. TXT \"v=spf1 -all exp=x.example\"\nx.example. TXT \"%{l}\"",
                     "fail -all 0/0 2", .mail_from = "\xc3\xa4@d.example"),
        MOON_SPF_ROW("or is escaped",
                     "d.example. TXT \"v=spf1 -all exp=x.example\"\nx.example. TXT \"%{L}\"",
                     "fail -all 0/0 2: %C3%A4", .mail_from = "\xc3\xa4@d.example"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

static const char rich_zone[] =
    "d.example. TXT \"v=spf1 ip4:198.51.100.1 a mx exists:%{p}.%{l}.e.example include:i.example"
    " ptr redirect=r.example\"\n"
    "d.example. MX 1 m.example.\nm.example. A 10.0.0.1\nd.example. A 10.0.0.1\n"
    "i.example. TXT \"v=spf1 a:m.example/24 -all\"\ni.example. A 10.0.0.1\n"
    "r.example. TXT \"v=spf1 -all exp=x.example\"\nx.example. TXT \"not %{i}, says %{d}\"\n"
    "1.2.0.192.in-addr.arpa. PTR h.example.\nh.example. A 192.0.2.1";

struct bench {
    struct moon_dns_backend *backend;
    struct moon_arena *arena;
    struct moon_dns *dns;
    struct moon_spf_query query;
};

static struct bench begin(const char *zone)
{
    struct bench bench = {.query = {.helo = "mx.example",
                                    .mail_from = "user@D.example",
                                    .receiver = "receiver.example"}};
    assert_true(moon_ip_parse(MOON_SPAN("192.0.2.1"), &bench.query.ip));
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &bench.backend, NULL),
                     MOON_OK);
    bench.arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    assert_non_null(bench.arena);
    bench.dns = moon_dns_begin(bench.arena, bench.backend, MOON_DNS_MS, 0);
    assert_non_null(bench.dns);
    return bench;
}

static void end(struct bench *bench)
{
    moon_dns_end(&bench->dns);
    moon_dns_backend_destroy(&bench->backend);
    moon_arena_destroy(&bench->arena);
}

static void tells_all_that_a_result_carries(void **state)
{
    struct bench bench =
        begin("d.example. TXT \"v=spf1 ~include:i.example\"\ni.example. TXT \"v=spf1 +all\"");
    struct moon_spf spf;

    (void)state; /* the zone carries all */
    assert_int_equal(moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf), MOON_OK);
    assert_int_equal(spf.result, MOON_RESULT_SOFTFAIL);
    assert_string_equal(spf.reason, "");
    assert_string_equal(spf.domain, "d.example");
    assert_string_equal(spf.scope, "mfrom");
    assert_string_equal(spf.sender, "user@d.example");
    assert_string_equal(spf.matched, "~include:i.example");
    assert_string_equal(spf.record, "v=spf1 ~include:i.example");
    assert_null(spf.explanation);
    assert_false(spf.aligned);
    assert_int_equal(moon_spf_check_helo(bench.arena, bench.dns, &bench.query, &spf), MOON_OK);
    assert_int_equal(spf.result, MOON_RESULT_NONE);
    assert_string_equal(spf.scope, "helo");
    assert_string_equal(spf.domain, "mx.example");
    assert_string_equal(spf.sender, "postmaster@mx.example");
    assert_null(spf.record);
    end(&bench);
}

static void gives_each_error_a_reason(void **state)
{
    static const struct {
        const char *zone, *want;
    } table[] = {
        {"d.example. TXT \"v=spf1 moo\"", "d.example: unknown mechanism: moo"},
        {"d.example. TXT TIMEOUT", "d.example TXT: timeout"},
        {"d.example. TXT \"v=spf1 a:e.example\"\ne.example. A SERVFAIL", "e.example A: SERVFAIL"},
        {"d.example. TXT \"v=spf1 include:d.example\"", "more than 10 terms that ask DNS"},
        {"d.example. TXT \"v=spf1 a:x.x a:y.y a:z.z\"", "more than 2 void lookups"},
        {"d.example. TXT \"v=spf1 include:e.example\"", "include:e.example: no SPF record there"},
        {"d.example. TXT \"v=spf1 a\"", "no term matched"},
        {"e.example. TXT \"v=spf1 a\"", "the domain publishes no SPF record"},
    };

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct bench bench = begin(table[i].zone);
        struct moon_spf spf;
        assert_int_equal(moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf),
                         MOON_OK);
        assert_string_equal(spf.reason, table[i].want);
        end(&bench);
    }
}

/* A backend in front of the zone: the servers of the client's network keep silent. */
struct silent_reverse {
    struct moon_dns_backend backend; /* its first member */
    struct moon_dns_backend *zone;
};

static void silent_ask(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct moon_dns_backend *zone = ((struct silent_reverse *)(void *)backend)->zone;
    if (ask->type != MOON_DNS_TYPE_PTR)
        zone->ops->ask(zone, ask);
}

static void silent_step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    struct moon_dns_backend *zone = ((struct silent_reverse *)(void *)backend)->zone;
    zone->ops->step(zone, dns, 0);
    (void)poll(NULL, 0, wait_ms < 10 ? (int)wait_ms : 10); /* the pause is all */
}

static void silent_cancel(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    struct moon_dns_backend *zone = ((struct silent_reverse *)(void *)backend)->zone;
    zone->ops->cancel(zone, dns);
}

/* Who sends a message may own the client's reverse zone. A PTR set that does not come is no error,
 * but its silence must not make one of the questions behind it: a forged message would get
 * temperror instead of fail. */
static void silent_servers_of_the_client_leave_time_for_other_terms(void **state)
{
    static const struct moon_dns_backend_ops ops = {
        .ask = silent_ask, .step = silent_step, .cancel = silent_cancel};
    static const char *const records[] = {"v=spf1 exists:%{p}.e.example include:i.example -all",
                                          "v=spf1 ptr include:i.example -all"};
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char zone[300];
        struct moon_spf spf;
        (void)snprintf(zone, sizeof zone,
                       "d.example. TXT \"%s\"\ni.example. TXT \"v=spf1 ip4:10.0.0.1\"", records[i]);
        struct bench bench = begin(zone);
        struct silent_reverse silent = {{.ops = &ops}, bench.backend};
        moon_dns_end(&bench.dns);
        bench.dns = moon_dns_begin(bench.arena, &silent.backend, 1000, 0);
        assert_non_null(bench.dns);
        assert_int_equal(moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf),
                         MOON_OK);
        if (spf.result != MOON_RESULT_FAIL)
            fail_msg("%s: got %s (%s), want fail", records[i], moon_result_name(spf.result),
                     spf.reason);
        end(&bench);
    }
}

static void needs_an_address_of_the_client(void **state)
{
    struct bench bench = begin(rich_zone);
    struct moon_spf spf;

    (void)state; /* the zone carries all */
    bench.query.ip.family = 0;
    assert_int_equal(moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf), MOON_OK);
    assert_int_equal(spf.result, MOON_RESULT_NONE);
    assert_string_equal(spf.reason, "the client has no address");
    end(&bench);
}

/* Every request in turn fails, with and without prefetch: no crash, no leak, and no wrong result.
 */
static void says_so_whenever_memory_ends(void **state)
{
    bool done = false;

    (void)state; /* the zone carries all */
    for (size_t n = 1; !done; n++) {
        struct bench bench = begin(rich_zone);
        struct moon_spf spf;
        assert_true(n < 2000);
        moon_arena_fail_at(bench.arena, n);
        enum moon_status status =
            moon_spf_check_mail_from(bench.arena, bench.dns, &bench.query, &spf);
        done = status == MOON_OK && spf.explanation;
        if (done) {
            assert_string_equal(spf.explanation, "not 192.0.2.1, says r.example");
            assert_int_equal(spf.lookups, 7);
        } else if (status == MOON_OK) {
            /* Memory ended inside the resolver, which answers with trouble: a temperror, or, when
             * only the explanation is missing, the result itself. */
            assert_true(spf.result == MOON_RESULT_TEMPERROR || spf.result == MOON_RESULT_FAIL);
        } else {
            assert_int_equal(status, MOON_ENOMEM);
        }
        end(&bench);
    }
}

/* RFC 7208 section 4.6.4: the message's question cap is a limit too, and no temporary error. */
static void a_question_past_the_cap_is_a_permanent_error(void **state)
{
    static const char zone[] = "d.example. TXT \"v=spf1 a:one.example a:two.example -all\"\n"
                               "one.example. A 198.51.100.1\ntwo.example. A 198.51.100.1";
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_spf_query query = {.helo = "", .mail_from = "a@d.example", .receiver = "r"};
    struct moon_dns_backend *backend;
    struct moon_error error;
    struct moon_spf spf;

    (void)state;
    assert_true(moon_ip_parse(MOON_SPAN("192.0.2.7"), &query.ip));
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    struct moon_dns *dns = moon_dns_begin(arena, backend, 10000, 2);
    assert_int_equal(moon_spf_check_mail_from(arena, dns, &query, &spf), MOON_OK);
    assert_int_equal(spf.result, MOON_RESULT_PERMERROR);
    assert_non_null(strstr(spf.reason, "question limit"));
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_past_the_cap_is_a_permanent_error),
        cmocka_unit_test(checks_the_identity_of_mail_from),
        cmocka_unit_test(checks_the_identity_of_helo),
        cmocka_unit_test(handles_internationalized_addresses),
        cmocka_unit_test(tells_all_that_a_result_carries),
        cmocka_unit_test(gives_each_error_a_reason),
        cmocka_unit_test(silent_servers_of_the_client_leave_time_for_other_terms),
        cmocka_unit_test(needs_an_address_of_the_client),
        cmocka_unit_test(says_so_whenever_memory_ends),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
