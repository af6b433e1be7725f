/* SPDX-License-Identifier: MIT
 *
 * spf_check: records, limits, errors of DNS, validated names, explanations. Each row's answer:
 * result, matched term, terms/voids, questions asked, explanation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/auth/spf_check.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "tests/support/spf_table.h"

#define ROWS(rows) assert_int_equal(moon_spf_rows_wrong(rows, sizeof rows / sizeof *rows), 0)
#define D          "d.example. TXT "
#define PTR        "1.2.0.192.in-addr.arpa. PTR "

/* RFC 7208 sections 3.2, 3.3, 4.4 and 4.5 */
static void selects_the_record_among_the_texts_of_a_name(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("no name", "e.example. TXT \"v=spf1 -all\"", "none - 0/0 1"),
        MOON_SPF_ROW("no text", "d.example. A 192.0.2.1", "none - 0/0 1"),
        MOON_SPF_ROW("other texts", D "\"v=spf10 -all\"\nd.example. TXT \"hello\"", "none - 0/0 1"),
        MOON_SPF_ROW("two records", D "\"v=spf1 -all\"\nd.example. TXT \"V=SPF1 +all\"",
                     "permerror - 0/0 1"),
        MOON_SPF_ROW("strings are joined without a space",
                     D "\"v=spf1 ip4:192.\" \"0.2.1 -\" \"all\"", "pass ip4:192.0.2.1 0/0 1"),
        MOON_SPF_ROW("a NUL byte", D "\"v=spf1 ip4:192.0.2.1\\000 -all\"", "permerror - 0/0 1"),
        MOON_SPF_ROW("a byte beyond ASCII", D "\"v=spf1 \\195\\164 -all\"", "permerror - 0/0 1"),
        MOON_SPF_ROW("bad bytes in another text", D "\"v=spf1 -all\"\nd.example. TXT \"\\195\"",
                     "fail -all 0/0 1"),
        MOON_SPF_ROW("an alias",
                     "d.example. CNAME e.example.\ne.example. TXT \"v=spf1 a -all\"\n"
                     "e.example. A 192.0.2.1",
                     "pass a 1/0 2"),
        MOON_SPF_ROW("an alias in a circle",
                     "d.example. CNAME e.example.\ne.example. CNAME d.example.", "none - 0/0 1"),
        MOON_SPF_ROW("SERVFAIL", "d.example. SERVFAIL", "temperror - 0/0 1"),
        MOON_SPF_ROW("timeout", "d.example. TXT TIMEOUT", "temperror - 0/0 1"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 4.6.4; libspf2 counts anew in every include and one term late. */
static void counts_ten_terms_over_the_whole_check(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("ten",
                     D "\"v=spf1 a a a a a a a a a a:e.example -all\"\nd.example. A 10.0.0.1\n"
                       "e.example. A 192.0.2.1",
                     "pass a:e.example 10/0 3"),
        MOON_SPF_ROW("the eleventh would match",
                     D "\"v=spf1 a a a a a a a a a a a:e.example -all\"\nd.example. A 10.0.0.1\n"
                       "e.example. A 192.0.2.1",
                     "permerror - 11/0 2"),
        MOON_SPF_ROW("inside an include",
                     D "\"v=spf1 a include:e.example a:d.example -all\"\nd.example. A 10.0.0.1\n"
                       "e.example. TXT \"v=spf1 a a a a a a a a a\"\ne.example. A 10.0.0.2",
                     "permerror - 11/0 4"),
        MOON_SPF_ROW("include in a circle", D "\"v=spf1 include:d.example -all\"",
                     "permerror - 11/0 1"),
        MOON_SPF_ROW("redirect in a circle", D "\"v=spf1 redirect=d.example\"",
                     "permerror - 11/0 1"),
        MOON_SPF_ROW(
            "ten includes of ten terms each",
            D "\"v=spf1 include:e.example include:e.example include:e.example include:e.example\"\n"
              "e.example. TXT \"v=spf1 include:f.example include:f.example include:f.example\"\n"
              "f.example. TXT \"v=spf1 mx mx mx mx mx mx\"\nf.example. MX 1 m.example.\n"
              "m.example. A 10.0.0.1",
            "permerror - 11/0 5"),
        MOON_SPF_ROW("redirect is the eleventh",
                     D "\"v=spf1 a a a a a a a a a a redirect=e.example\"\nd.example. A 10.0.0.1\n"
                       "e.example. TXT \"v=spf1 +all\"",
                     "permerror - 11/0 2"),
        MOON_SPF_ROW(
            "a match before the limit",
            D "\"v=spf1 a a a a a a a a a a ip4:192.0.2.1 a a a -all\"\nd.example. A 10.0.0.1",
            "pass ip4:192.0.2.1 10/0 2"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

#define MX(n)   "d.example. MX " #n " m" #n ".example.\nm" #n ".example. A 10.0.0." #n "\n"
#define NAME(n) PTR "n" #n ".example.\nn" #n ".example. A 10.0.0." #n "\n"
#define NINE(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

static void looks_at_ten_hosts_of_mx_and_ten_names_of_ptr(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("ten MX",
                     D "\"v=spf1 mx -all\"\n" NINE(MX) "d.example. MX 10 h.example.\n"
                                                       "h.example. A 192.0.2.1",
                     "pass mx 1/0 12"),
        MOON_SPF_ROW("eleven MX, none asked", D "\"v=spf1 mx -all\"\n" NINE(MX) MX(10) MX(11),
                     "permerror - 1/0 2"),
        MOON_SPF_ROW("ten PTR",
                     D "\"v=spf1 ptr -all\"\n" NINE(NAME) PTR
                     "h.d.example.\nh.d.example. A 192.0.2.1",
                     "pass ptr 1/0 3"),
        MOON_SPF_ROW("the eleventh PTR is not looked at",
                     D "\"v=spf1 ptr -all\"\n" NINE(NAME) NAME(10) PTR
                     "h.d.example.\nh.d.example. A 192.0.2.1",
                     "fail -all 1/0 2"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 section 4.6.4: which answers are counted is our choice, see spf_check.c. */
static void counts_two_void_answers_over_the_whole_check(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("two", D "\"v=spf1 a:x.example exists:y.example ip4:192.0.2.1 -all\"",
                     "pass ip4:192.0.2.1 2/2 3"),
        MOON_SPF_ROW("three",
                     D "\"v=spf1 a:x.example exists:y.example mx:z.example ip4:192.0.2.1 -all\"",
                     "permerror - 3/3 4"),
        MOON_SPF_ROW("hosts of an mx",
                     D "\"v=spf1 mx ip4:192.0.2.1 -all\"\nd.example. MX 1 x.example.\n"
                       "d.example. MX 2 y.example.\nd.example. MX 3 z.example.",
                     "permerror - 1/3 5"),
        MOON_SPF_ROW("over an include",
                     D "\"v=spf1 a:x.example include:e.example a:z.example -all\"\n"
                       "e.example. TXT \"v=spf1 a:y.example\"",
                     "permerror - 4/3 5"),
        MOON_SPF_ROW("no PTR set", D "\"v=spf1 ptr a:x.example ip4:192.0.2.1\"",
                     "pass ip4:192.0.2.1 2/2 3"),
        MOON_SPF_ROW("a name that cannot exist", D "\"v=spf1 a:x..example ip4:192.0.2.1\"",
                     "pass ip4:192.0.2.1 1/1 1"),
        MOON_SPF_ROW("PTR hosts, %{p} and exp do not count",
                     D "\"v=spf1 ptr exists:%{p}.x.example a:y.example -all exp=z.example\"\n" PTR
                       "a.d.example.\n" PTR "b.d.example.\n" PTR "c.d.example.",
                     "fail -all 3/2 8"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 sections 5 and 5.5; libspf2 takes errors other than TRY_AGAIN for no match. */
static void answers_temperror_for_trouble_but_not_with_ptr(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("a", D "\"v=spf1 a:e.example +all\"\ne.example. SERVFAIL",
                     "temperror - 1/0 2"),
        MOON_SPF_ROW("mx", D "\"v=spf1 mx:e.example +all\"\ne.example. TIMEOUT",
                     "temperror - 1/0 2"),
        MOON_SPF_ROW("host of mx",
                     D "\"v=spf1 mx +all\"\nd.example. MX 1 e.example.\ne.example. SERVFAIL",
                     "temperror - 1/0 3"),
        MOON_SPF_ROW("exists", D "\"v=spf1 exists:e.example +all\"\ne.example. SERVFAIL",
                     "temperror - 1/0 2"),
        MOON_SPF_ROW("redirect", D "\"v=spf1 redirect=e.example\"\ne.example. TIMEOUT",
                     "temperror - 1/0 2"),
        MOON_SPF_ROW("PTR set", D "\"v=spf1 ptr ?all\"\n1.2.0.192.in-addr.arpa. TIMEOUT",
                     "neutral ?all 1/0 2"),
        MOON_SPF_ROW("one PTR host",
                     D "\"v=spf1 ptr ?all\"\n" PTR "a.d.example.\n" PTR
                       "b.d.example.\na.d.example. TIMEOUT\n"
                       "b.d.example. A 192.0.2.1",
                     "pass ptr 1/0 4"),
        MOON_SPF_ROW("%{p}",
                     D "\"v=spf1 exists:%{p}.e.example ?all\"\n1.2.0.192.in-addr.arpa. SERVFAIL\n"
                       "unknown.e.example. A 127.0.0.2",
                     "pass exists:%{p}.e.example 1/0 3"),
        MOON_SPF_ROW("unused", D "\"v=spf1 ip4:192.0.2.1 a:e.example\"\ne.example. SERVFAIL",
                     "pass ip4:192.0.2.1 0/0 1"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

/* RFC 7208 sections 5.5 and 7.3 */
static void validates_names_of_the_client(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW("the domain itself",
                     D "\"v=spf1 ptr -all\"\n" PTR "D.Example.\nd.example. A 192.0.2.1",
                     "pass ptr 1/0 3"),
        MOON_SPF_ROW("below the domain",
                     D "\"v=spf1 ptr:e.example -all\"\n" PTR
                       "a.b.e.example.\na.b.e.example. A 192.0.2.1",
                     "pass ptr:e.example 1/0 3"),
        MOON_SPF_ROW("not by the end of a label",
                     D "\"v=spf1 ptr:e.example -all\"\n" PTR "be.example.\nbe.example. A 192.0.2.1",
                     "fail -all 1/0 2"),
        MOON_SPF_ROW("not validated",
                     D "\"v=spf1 ptr -all\"\n" PTR "a.d.example.\na.d.example. A 192.0.2.2",
                     "fail -all 1/0 3"),
        MOON_SPF_ROW("not below a name that cannot exist",
                     D "\"v=spf1 ptr:x..example -all\"\n" PTR "h.example.\nh.example. A 192.0.2.1",
                     "fail -all 1/0 2"),
        MOON_SPF_ROW("trouble is no match",
                     D "\"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa. SERVFAIL", "fail -all 1/0 2"),
        MOON_SPF_ROW(
            "%{p} prefers the domain",
            D
            "\"v=spf1 exists:%{p}.x.example -all\"\n" PTR "z.example.\n" PTR "a.d.example.\n" PTR
            "d.example.\nz.example. A 192.0.2.1\na.d.example. A 192.0.2.1\nd.example. A 192.0.2.1\n"
            "d.example.x.example. A 127.0.0.2",
            "pass exists:%{p}.x.example 1/0 6"),
        MOON_SPF_ROW("%{p} else a name below it",
                     D "\"v=spf1 exists:%{p}.x.example -all\"\n" PTR "z.example.\n" PTR
                       "a.d.example.\nz.example. A 192.0.2.1\na.d.example. A 192.0.2.1\n"
                       "a.d.example.x.example. A 127.0.0.2",
                     "pass exists:%{p}.x.example 1/0 5"),
        MOON_SPF_ROW("%{p} takes the first of those below it",
                     D "\"v=spf1 exists:%{p}.x.example -all\"\n" PTR "a.d.example.\n" PTR
                       "b.d.example.\na.d.example. A 192.0.2.1\nb.d.example. A 192.0.2.1\n"
                       "a.d.example.x.example. A 127.0.0.2",
                     "pass exists:%{p}.x.example 1/0 5"),
        MOON_SPF_ROW("%{p} else the first",
                     D "\"v=spf1 exists:%{p}.x.example -all\"\n" PTR "y.example.\n" PTR
                       "z.example.\nz.example. A 192.0.2.1\nz.example.x.example. A 127.0.0.2",
                     "pass exists:%{p}.x.example 1/0 5"),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

#define EXP     "\"v=spf1 -all exp=x.example\"\nx.example. TXT "
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* RFC 7208 section 6.2; libspf2 damages any text with a space and asks too early and too often. */
static void explains_a_final_fail_and_nothing_else(void **state)
{
    static const struct moon_spf_row rows[] = {
        MOON_SPF_ROW(
            "macros", D EXP "\"%{i} may not send for %{d} (%{c} %{r} %{t}). 100%%\"",
            "fail -all 0/0 2: 192.0.2.1 may not send for d.example (192.0.2.1 receiver.example "
            "1700000000). 100%"),
        MOON_SPF_ROW("joined strings", D EXP "\"See\" \" me.\"", "fail -all 0/0 2: See me."),
        MOON_SPF_ROW("escapes", D EXP "\"http://x.example/?l=%{L}\"",
                     "fail -all 0/0 2: http://x.example/?l=a%26b%3Dc%20~d",
                     .mail_from = "a&b=c ~d@d.example"),
        MOON_SPF_ROW("softfail", D "\"v=spf1 ~all exp=x.example\"", "softfail ~all 0/0 1"),
        MOON_SPF_ROW("neutral", D "\"v=spf1 ?all exp=x.example\"", "neutral ?all 0/0 1"),
        MOON_SPF_ROW(
            "three failing includes, one question for the text",
            D
            "\"v=spf1 include:e.example include:e.example include:e.example -all exp=x.example\"\n"
            "e.example. TXT \"v=spf1 -all exp=y.example\"\nx.example. TXT \"outer\"\n"
            "y.example. TXT \"inner\"",
            "fail -all 3/0 3: outer"),
        MOON_SPF_ROW("of the redirect's target",
                     D "\"v=spf1 exp=x.example redirect=e.example\"\nx.example. TXT \"first\"\n"
                       "e.example. TXT \"v=spf1 -all exp=y.example\"\ny.example. TXT \"%{d}\"",
                     "fail -all 1/0 3: e.example"),
        MOON_SPF_ROW("none of the redirect's target",
                     D "\"v=spf1 exp=x.example redirect=e.example\"\n"
                       "x.example. TXT \"first\"\ne.example. TXT \"v=spf1 -all\"",
                     "fail -all 1/0 2"),
        MOON_SPF_ROW("two texts", D EXP "\"one\"\nx.example. TXT \"two\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("no text", D "\"v=spf1 -all exp=x.example\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("trouble", D "\"v=spf1 -all exp=x.example\"\nx.example. SERVFAIL",
                     "fail -all 0/0 2"),
        MOON_SPF_ROW("bad macro", D EXP "\"100%\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("not ASCII", D EXP "\"\\195\\164\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("a line end", D EXP "\"a\\013\\010b\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("a line end from a macro", D EXP "\"%{l}\"", "fail -all 0/0 2",
                     .mail_from = "a\rb@d.example"),
        MOON_SPF_ROW("a unit separator", D EXP "\"%{l}\"", "fail -all 0/0 2",
                     .mail_from = "a\x1f@d.example"),
        MOON_SPF_ROW("DEL", D EXP "\"%{l}\"", "fail -all 0/0 2", .mail_from = "a\x7f@d.example"),
        MOON_SPF_ROW("the borders", D EXP "\"%{l}\"", "fail -all 0/0 2:  ~",
                     .mail_from = " ~@d.example"),
        MOON_SPF_ROW("one byte", D EXP "\"x\"", "fail -all 0/0 2: x"),
        MOON_SPF_ROW("empty", D EXP "\"\"", "fail -all 0/0 2"),
        MOON_SPF_ROW("no such name", D "\"v=spf1 -all exp=%{l}.example\"", "fail -all 0/0 1",
                     .mail_from = "a..b@d.example"),
        MOON_SPF_ROW("long",
                     D EXP "\"" HUNDRED "\" \"" HUNDRED "\" \"" HUNDRED "\" \"" HUNDRED
                           "\" \"" HUNDRED "\" \"x\"",
                     "fail -all 0/0 2: " HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED),
    };

    (void)state; /* rows carry all */
    ROWS(rows);
}

static void a_name_without_memory_is_not_a_name_that_cannot_publish(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_spf_query query = {.helo = "d.example", .mail_from = ""};
    struct moon_spf_check check;
    const char *reason;

    (void)state;                                            /* cmocka's, not used */
    (void)moon_ip_parse(MOON_SPAN("192.0.2.1"), &query.ip); /* it is one */
    moon_arena_fail_at(arena, 1);
    assert_int_equal(moon_spf_check_begin(&check, arena, NULL, &query, true, &reason), MOON_ENOMEM);
    moon_arena_destroy(&arena);
}

/* RFC 7208 sections 2.3, 4.3 and 7.3 */
static void begins_with_the_identity_and_what_macros_say(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_spf_query query = {.helo = "single", .mail_from = "", .receiver = "r"};
    struct moon_spf_check check;
    const char *reason;

    (void)state; /* cmocka's, not used */
    assert_true(moon_ip_parse(MOON_SPAN("192.0.2.1"), &query.ip));
    assert_int_equal(moon_spf_check_begin(&check, arena, NULL, &query, true, &reason), MOON_OK);
    assert_null(check.identity);
    assert_non_null(reason);
    query.helo = "d.example";
    assert_int_equal(moon_spf_check_begin(&check, arena, NULL, &query, true, &reason), MOON_OK);
    assert_string_equal(check.identity, "d.example");
    assert_string_equal(check.vars.sender, "postmaster@d.example");
    assert_string_equal(check.vars.receiver, "r");
    query.receiver = "";
    assert_int_equal(moon_spf_check_begin(&check, arena, NULL, &query, true, &reason), MOON_OK);
    assert_string_equal(check.vars.receiver, "unknown");
    assert_null(reason);
    moon_arena_destroy(&arena);
}

static void a_target_without_memory_or_of_a_stopped_check_is_none(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_spf_scope scope = {.at = {.text = "d.example", .name = "d.example", .labels = 2}};
    struct moon_spf_term with = {.domain = MOON_SPAN("%{d}")}, without = {.domain = {NULL, 0}};
    struct moon_spf_target target;

    (void)state; /* cmocka's, not used */
    for (size_t n = 0; n < 4; n++) {
        struct moon_spf_check check = {.arena = arena, .vars = {.local = ""}};
        moon_arena_fail_at(arena, n);
        assert_int_equal(moon_spf_check_target(&check, &scope, &with, &target), n == 0);
        assert_int_equal(moon_spf_check_target(&check, &scope, &without, &target), n == 0);
        assert_int_equal(check.status, n ? MOON_ENOMEM : MOON_OK);
    }
    moon_arena_destroy(&arena);
}

static void charges_ten_terms_and_none_when_stopped(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_spf_check check = {.arena = arena};

    (void)state; /* cmocka's, not used */
    for (unsigned i = 0; i < MOON_SPF_TERMS_MAX; i++)
        assert_true(moon_spf_check_charge(&check));
    assert_false(moon_spf_check_charge(&check));
    assert_int_equal(check.stop_result, MOON_RESULT_PERMERROR);
    check = (struct moon_spf_check){.arena = arena};
    moon_spf_check_fail(&check, MOON_EIO);
    moon_spf_check_fail(&check, MOON_ENOMEM);
    assert_true(check.stopped);
    assert_int_equal(check.status, MOON_EIO);
    assert_false(moon_spf_check_charge(&check));
    assert_int_equal(check.lookups, 0);
    moon_arena_destroy(&arena);
}

/* The reason of the first stop counts, and as much of it as there is room for. */
static void keeps_the_reason_of_the_first_stop(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_spf_check check = {.arena = arena, .status = MOON_OK};

    (void)state; /* cmocka's, not used */
    moon_spf_check_stop(&check, MOON_RESULT_PERMERROR, "%0500d", 1);
    moon_spf_check_stop(&check, MOON_RESULT_FAIL, "later");
    assert_true(check.stopped && check.status == MOON_OK);
    assert_int_equal(check.stop_result, MOON_RESULT_PERMERROR);
    assert_int_equal(strlen(check.stop_reason), 399);
    moon_arena_destroy(&arena);
}

static void writes_the_reverse_name_of_the_whole_address(void **state)
{
    struct moon_arena *arena = moon_arena_create(1u << 16);
    struct moon_ip ip;

    (void)state; /* nothing is shared */
    assert_non_null(arena);
    assert_true(moon_ip_parse(MOON_SPAN("2001:db8:4567:89ab:cdef:123:4567:89ab"), &ip));
    assert_string_equal(moon_spf_reverse_name(arena, &ip),
                        "b.a.9.8.7.6.5.4.3.2.1.0.f.e.d.c.b.a.9.8.7.6.5.4.8.b.d.0.1.0.0.2.ip6.arpa");
    assert_true(moon_ip_parse(MOON_SPAN("192.0.2.1"), &ip));
    assert_string_equal(moon_spf_reverse_name(arena, &ip), "1.2.0.192.in-addr.arpa");
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_the_record_among_the_texts_of_a_name),
        cmocka_unit_test(counts_ten_terms_over_the_whole_check),
        cmocka_unit_test(looks_at_ten_hosts_of_mx_and_ten_names_of_ptr),
        cmocka_unit_test(counts_two_void_answers_over_the_whole_check),
        cmocka_unit_test(answers_temperror_for_trouble_but_not_with_ptr),
        cmocka_unit_test(writes_the_reverse_name_of_the_whole_address),
        cmocka_unit_test(validates_names_of_the_client),
        cmocka_unit_test(explains_a_final_fail_and_nothing_else),
        cmocka_unit_test(a_name_without_memory_is_not_a_name_that_cannot_publish),
        cmocka_unit_test(begins_with_the_identity_and_what_macros_say),
        cmocka_unit_test(a_target_without_memory_or_of_a_stopped_check_is_none),
        cmocka_unit_test(charges_ten_terms_and_none_when_stopped),
        cmocka_unit_test(keeps_the_reason_of_the_first_stop),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
