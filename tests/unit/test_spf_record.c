/* SPDX-License-Identifier: MIT
 *
 * spf_record: what the grammar takes and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf_record.h"
#include "engine/base/limits.h"

static int make_arena(void **state)
{
    *state = moon_arena_create(MOON_ARENA_BYTES_MAX);
    return *state ? 0 : -1;
}

static int drop_arena(void **state)
{
    struct moon_arena *arena = *state;
    moon_arena_destroy(&arena);
    return 0;
}

/* RFC 7208 section 4.5 */
static void knows_a_record_of_spf_by_its_version(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } table[] = {{"v=spf1", true},   {"v=spf1 ", true},  {"V=SpF1 a", true}, {"v=spf10", false},
                 {"v=spf1a", false}, {"v=spf", false},   {"", false},        {" v=spf1", false},
                 {"v=spf2", false},  {"v=spf1\t", false}};

    (void)state; /* nothing is allocated */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (moon_spf_record_is(moon_span_of(table[i].text)) != table[i].want)
            fail_msg("\"%s\": got %d, want %d", table[i].text, !table[i].want, table[i].want);
}

/* RFC 7208 sections 3.1, 4.6, 4.6.1, 5, 6, 7.1 and 12. NULL: well-formed; else how the reason
 * begins. */
static const struct {
    const char *terms, *want;
} grammar[] = {
    {"", NULL},
    {"a mx ptr all", NULL},
    {"+a -mx ~ptr ?all", NULL},
    {"A MX PTR ALL INCLUDE:e.example IP4:192.0.2.1 EXISTS:e.example", NULL},
    {"  a   -all  ", NULL},
    {"a:e.example mx:e.example ptr:e.example", NULL},
    {"a/24 a//64 a/24//64 a:e.example/0//0 mx/32//128", NULL},
    {"ip4:192.0.2.1/32 ip6:2001:db8::1/128 ip4:192.0.2.1/0 ip6:::/0 a/9//9", NULL},
    {"a:e.example. include:%{d}", NULL},
    {"exists:%{l1r-+,/_=}.%{D2}.e.example", NULL},
    {"exists:%{l129}.e.example exists:%{d99999999999999999999999}.e.example", NULL},
    {"exists:a%%b%_c%-d.e.example exists:%%", NULL},
    {"a:e.xn--p1ai a:e.a-1 a:e.1a", NULL},
    {"ip4:192.0.2.0/24 ip4:192.0.2.1 ip6:2001:db8::/32 ip6:::1/0 ip6:::ffff:192.0.2.1", NULL},
    {"redirect=e.example exp=%{d}.e.example", NULL},
    {"x-y.z_1=anything:/%{d} empty=", NULL},
    {"all all", NULL},
    {"a:%{d/} mx:%{l1r/}/24//64", NULL},
    {"a:museum", "syntax error"},
    {"a:e.123", "syntax error"},
    {"a:e.-a a", "syntax error"},
    {"a:e.a- a", "syntax error"},
    {"a:", "syntax error"},
    {"a:e.example:80", "syntax error"},
    {"a:%{d}.", "syntax error"},
    {"a/", "syntax error"},
    {"a//", "syntax error"},
    {"a/24//", "syntax error"},
    {"a:e.example/", "syntax error"},
    {"a:e.example//", "syntax error"},
    {"mx:%{d}/", "syntax error"},
    {"a/33", "syntax error"},
    {"a/024", "syntax error"},
    {"a/08", "syntax error"},
    {"exists=museum", NULL},
    {"a/4294967320", "syntax error"},
    {"a/24/64", "syntax error"},
    {"a//129", "syntax error"},
    {"a//064", "syntax error"},
    {"a///64", "syntax error"},
    {"a=e.example all.", "unknown mechanism"},
    {"all:e.example", "syntax error"},
    {"all/8", "syntax error"},
    {"ptr/0", "syntax error"},
    {"include", "syntax error"},
    {"include:", "syntax error"},
    {"include/24", "syntax error"},
    {"include:e.example/24", "syntax error"},
    {"exists", "syntax error"},
    {"exists:e.example/24", "syntax error"},
    {"ip4", "syntax error"},
    {"ip4:", "syntax error"},
    {"ip4:192.0.2", "syntax error"},
    {"ip4:192.0.2.256", "syntax error"},
    {"ip4:192.0.2.01", "syntax error"},
    {"ip4:192.0.2.1/", "syntax error"},
    {"ip4:192.0.2.1/33", "syntax error"},
    {"ip4:192.0.2.1/032", "syntax error"},
    {"ip4:192.0.2.1:8080", "syntax error"},
    {"ip4:2001:db8::1", "syntax error"},
    {"ip6:192.0.2.1", "syntax error"},
    {"ip6:2001:db8::1/129", "syntax error"},
    {"ip6:2001:db8", "syntax error"},
    {"redirect=", "syntax error"},
    {"redirect=museum", "syntax error"},
    {"redirect:e.example", "unknown mechanism"},
    {"+redirect=e.example", "unknown mechanism"},
    {"exp=", "syntax error"},
    {"exp=%{r}.e.example", "syntax error"},
    {"redirect=e.example redirect=e.example", "modifier given twice"},
    {"exp=e.example exp=e.example", "modifier given twice"},
    {"moo", "unknown mechanism"},
    {"1up=foo", "syntax error"},
    {"=all", "syntax error"},
    {"-", "syntax error"},
    {"--all", "syntax error"},
    {"moo/far_out=man:dog/cat", "unknown mechanism"},
    {"x=%", "syntax error"},
    {"x=%a", "syntax error"},
    {"x=%{", "syntax error"},
    {"x=%{x}", "syntax error"},
    {"x=%{t}", "syntax error"},
    {"x=%{d", "syntax error"},
    {"x=%{d|}", "syntax error"},
    {"exists:%{d0}.e.example", "syntax error"},
    {"exists:%{d00}.e.example", "syntax error"},
    {"exists:%{dr2}.e.example", "syntax error"},
    {"exists:%(ir).e.example", "syntax error"},
    {"a\tmx", "a byte that is not printable ASCII"},
    {"a\rmx", "a byte that is not printable ASCII"},
    {"a\x7f", "a byte that is not printable ASCII"},
    {"a\x1f", "a byte that is not printable ASCII"},
    {"a \xc3\xa4", "a byte that is not printable ASCII"},
    {"-all moo", "unknown mechanism"},
};

static void takes_what_the_grammar_allows_and_nothing_else(void **state)
{
    for (size_t i = 0; i < sizeof grammar / sizeof *grammar; i++) {
        struct moon_spf_record record;
        const char *reason;
        char *text = moon_arena_printf(*state, "v=spf1 %s", grammar[i].terms);
        const char *want = grammar[i].want;
        struct moon_span exact = moon_span_of(text); /* without a NUL behind it */
        exact.p = memcpy(moon_arena_raw(*state, exact.n), text, exact.n);
        assert_int_equal(moon_spf_record_parse(*state, exact, &record, &reason), MOON_OK);
        if (!reason != !want || (want && strncmp(reason, want, strlen(want)) != 0))
            fail_msg("\"%s\": got %s, want %s", text, reason ? reason : "well-formed",
                     want ? want : "well-formed");
    }
}

static void refuses_a_record_with_a_nul_byte_or_beyond_the_length_limit(void **state)
{
    static char text[MOON_SPF_RECORD_BYTES_MAX + 1] = "v=spf1";
    struct moon_spf_record record;
    const char *reason;

    memset(text + 6, ' ', sizeof text - 6);
    assert_int_equal(
        moon_spf_record_parse(*state, (struct moon_span){text, sizeof text}, &record, &reason),
        MOON_OK);
    assert_string_equal(reason, "the record is too long");
    text[8] = '\0';
    assert_int_equal(
        moon_spf_record_parse(*state, (struct moon_span){text, sizeof text - 1}, &record, &reason),
        MOON_OK);
    assert_string_equal(reason, "a byte that is not printable ASCII");
}

static void keeps_each_term_with_its_qualifier_prefix_and_published_text(void **state)
{
    struct moon_spf_record record;
    const char *reason;

    assert_int_equal(
        moon_spf_record_parse(
            *state,
            MOON_SPAN(
                "v=spf1 ~a:e.example/8//9 ?ip6:::ffff:192.0.2.9/120 MX//1 -all redirect=r.example"),
            &record, &reason),
        MOON_OK);
    assert_null(reason);
    assert_int_equal(record.count, 4);
    assert_true(record.has_redirect && !record.has_exp);
    const struct moon_spf_term *term = record.mechanisms;
    assert_int_equal(term[0].kind, MOON_SPF_KIND_A);
    assert_int_equal(term[0].qualifier, MOON_RESULT_SOFTFAIL);
    assert_int_equal(term[0].bits4, 8);
    assert_int_equal(term[0].bits6, 9);
    assert_true(moon_span_is(term[0].domain, "e.example"));
    assert_true(moon_span_is(term[0].text, "~a:e.example/8//9"));
    assert_int_equal(term[1].ip.family, 6);
    assert_memory_equal(term[1].ip.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x09", 16);
    assert_int_equal(term[1].bits6, 120);
    assert_int_equal(term[2].bits4, 32);
    assert_int_equal(term[2].bits6, 1);
    assert_int_equal(term[3].qualifier, MOON_RESULT_FAIL);
    assert_true(moon_span_is(record.redirect.domain, "r.example"));
}

static void a_reason_shows_the_beginning_of_a_long_term(void **state)
{
    char text[7 + 81 + 3] = "v=spf1 ";
    struct moon_spf_record record;
    const char *reason;

    memset(text + 7, 'm', 80);
    for (size_t n = 79; n <= 81; n++) {
        memset(text + 7, 'm', n);
        memcpy(text + 7 + n, " a", 3); /* another term is no part of it */
        assert_int_equal(moon_spf_record_parse(*state, moon_span_of(text), &record, &reason),
                         MOON_OK);
        assert_int_equal(strlen(reason), strlen("unknown mechanism: ") + (n < 80 ? n : 80));
    }
}

/* RFC 7208 section 4.6.4 */
static void knows_which_terms_ask_dns(void **state)
{
    static const bool asks[] = {
        [MOON_SPF_KIND_INCLUDE] = true, [MOON_SPF_KIND_A] = true,
        [MOON_SPF_KIND_MX] = true,      [MOON_SPF_KIND_PTR] = true,
        [MOON_SPF_KIND_EXISTS] = true,  [MOON_SPF_KIND_REDIRECT] = true,
    };
    static const enum moon_spf_kind all[] = {
        MOON_SPF_KIND_ALL, MOON_SPF_KIND_INCLUDE, MOON_SPF_KIND_A,   MOON_SPF_KIND_MX,
        MOON_SPF_KIND_PTR, MOON_SPF_KIND_IP4,     MOON_SPF_KIND_IP6, MOON_SPF_KIND_EXISTS,
        MOON_SPF_KIND_EXP, MOON_SPF_KIND_REDIRECT};

    (void)state; /* nothing is allocated */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool want = (size_t)all[i] < sizeof asks / sizeof *asks && asks[all[i]];
        struct moon_spf_term term = {.kind = all[i]};
        assert_int_equal(moon_spf_term_asks_dns(&term), want);
    }
}

/* RFC 7208 section 5.6 */
static void matches_a_network_by_its_prefix(void **state)
{
    static const struct {
        const char *term, *client;
        bool want;
    } table[] = {
        {"ip4:192.0.2.1", "192.0.2.1", true},
        {"ip4:192.0.2.1", "192.0.2.2", false},
        {"ip4:192.0.2.2", "192.0.2.2", true},
        {"ip4:192.0.2.2", "192.0.2.3", false},
        {"ip6:2001:db8::2", "2001:db8::2", true},
        {"ip6:2001:db8::2", "2001:db8::3", false},
        {"ip4:192.0.2.0/31", "192.0.2.1", true},
        {"ip4:192.0.2.0/31", "192.0.2.2", false},
        {"ip4:192.0.2.0/0", "203.0.113.1", true},
        {"ip4:192.0.2.1", "2001:db8::1", false},
        {"ip6:2001:db8::1", "2001:db8::1", true},
        {"ip6:2001:db8::1", "2001:db8::2", false},
        {"ip6:2001:db8::1", "2001:db8::", false},
        {"ip6:2001:db8::/33", "2001:db8:7fff::1", true},
        {"ip6:2001:db8::/33", "2001:db8:8000::1", false},
        {"ip6:::/0", "192.0.2.1", false},
        {"all", "192.0.2.1", false},
        {"a", "192.0.2.1", false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_spf_record record;
        struct moon_ip client;
        const char *reason;
        char *text = moon_arena_printf(*state, "v=spf1 %s", table[i].term);
        assert_int_equal(moon_spf_record_parse(*state, moon_span_of(text), &record, &reason),
                         MOON_OK);
        assert_true(!reason && moon_ip_parse(moon_span_of(table[i].client), &client));
        if (moon_spf_term_has_ip(record.mechanisms, &client) != table[i].want)
            fail_msg("%s of %s: got %d, want %d", table[i].term, table[i].client, !table[i].want,
                     table[i].want);
    }
}

static void says_so_when_memory_ends(void **state)
{
    struct moon_spf_record record;
    const char *reason;

    moon_arena_fail_at(*state, 1);
    assert_int_equal(moon_spf_record_parse(*state, MOON_SPAN("v=spf1 a"), &record, &reason),
                     MOON_ENOMEM);
    moon_arena_fail_at(*state, 2);
    assert_int_equal(moon_spf_record_parse(*state, MOON_SPAN("v=spf1 moo"), &record, &reason),
                     MOON_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_record_of_spf_by_its_version),
        cmocka_unit_test_setup_teardown(takes_what_the_grammar_allows_and_nothing_else, make_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(refuses_a_record_with_a_nul_byte_or_beyond_the_length_limit,
                                        make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(
            keeps_each_term_with_its_qualifier_prefix_and_published_text, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_reason_shows_the_beginning_of_a_long_term, make_arena,
                                        drop_arena),
        cmocka_unit_test(knows_which_terms_ask_dns),
        cmocka_unit_test_setup_teardown(matches_a_network_by_its_prefix, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(says_so_when_memory_ends, make_arena, drop_arena),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
