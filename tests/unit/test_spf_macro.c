/* SPDX-License-Identifier: MIT
 *
 * spf_macro: expansion and target names. Which texts are valid is tested with the records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf_macro.h"
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

static struct moon_spf_vars make_vars(const char *ip, const char *local)
{
    struct moon_spf_vars vars = {.sender = "strong-bad@email.example.com",
                                 .local = local,
                                 .sender_domain = "email.example.com",
                                 .helo = "mx.example.org",
                                 .receiver = "receiver.example",
                                 .now_s = 1700000000};
    assert_true(moon_ip_parse(moon_span_of(ip), &vars.ip));
    return vars;
}

#define V4 "192.0.2.3"
#define V6 "2001:db8::cb01"

/* RFC 7208 section 7.4 has the examples; the rest are its rules one by one. */
static const struct {
    const char *ip, *local, *text, *want;
} expansions[] = {
    {V4, "strong-bad", "%{s}", "strong-bad@email.example.com"},
    {V4, "strong-bad", "%{o}", "email.example.com"},
    {V4, "strong-bad", "%{d}", "email.example.com"},
    {V4, "strong-bad", "%{d4}", "email.example.com"},
    {V4, "strong-bad", "%{d3}", "email.example.com"},
    {V4, "strong-bad", "%{d2}", "example.com"},
    {V4, "strong-bad", "%{d1}", "com"},
    {V4, "strong-bad", "%{dr}", "com.example.email"},
    {V4, "strong-bad", "%{d2r}", "example.email"},
    {V4, "strong-bad", "%{l}", "strong-bad"},
    {V4, "strong-bad", "%{l-}", "strong.bad"},
    {V4, "strong-bad", "%{lr}", "strong-bad"},
    {V4, "strong-bad", "%{lr-}", "bad.strong"},
    {V4, "strong-bad", "%{l1r-}", "strong"},
    {V4, "strong-bad", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
    {V4, "strong-bad", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
    {V4, "strong-bad", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
     "3.2.0.192.in-addr.strong.lp._spf.example.com"},
    {V4, "strong-bad", "%{d2}.trusted-domains.example.net",
     "example.com.trusted-domains.example.net"},
    {V6, "strong-bad", "%{ir}.%{v}._spf.%{d2}",
     "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"},
    {V6, "strong-bad", "%{c}", "2001:db8::cb01"},
    /* fewer parts than asked for: the whole value */
    {V4, "strong", "%{l1}", "strong"},
    {V4, "strong", "%{l129}", "strong"},
    {V4, "strong", "%{l99999999999999999999}", "strong"},
    {V4, "a.b.c.d.e.f.g.h.i.j.k.l", "%{l10}", "c.d.e.f.g.h.i.j.k.l"},
    /* each delimiter; empty parts are parts */
    {V4, "a.b-c+d,e/f_g=h", "%{l.-+,/_=}", "a.b.c.d.e.f.g.h"},
    {V4, "a,b/c", "%{l,/}", "a.b.c"},
    {V4, "a--b", "%{l2-}", ".b"},
    {V4, "-a-", "%{l-}", ".a."},
    {V4, "-a-", "%{l2r-}", "a."},
    {V4, "", "[%{l}]", "[]"},
    /* letters without case; upper case escapes, with upper-case digits */
    {V4, "a b%c~=/", "%{L}", "a%20b%25c~%3D%2F"},
    {V4, "\xc3\xa4", "%{L}", "%C3%A4"},
    {V4, "a-b", "%{LR-}", "b.a"},
    {V4, "x", "%%%_%-", "% %20"},
    {V4, "x", "%{h}|%{r}|%{t}|%{p}", "mx.example.org|receiver.example|1700000000|name.example"},
};

static void expands_every_macro_as_the_rules_say(void **state)
{
    for (size_t i = 0; i < sizeof expansions / sizeof *expansions; i++) {
        struct moon_spf_vars vars = make_vars(expansions[i].ip, expansions[i].local);
        const char *got = moon_spf_macro_expand(
            *state, moon_span_of(expansions[i].text), MOON_SPF_MACRO_EXPLANATION, &vars,
            "email.example.com", "name.example", MOON_SPF_EXPLANATION_MAX);
        assert_non_null(got);
        if (strcmp(got, expansions[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", expansions[i].text, got, expansions[i].want);
    }
}

static void says_unknown_without_a_validated_name(void **state)
{
    struct moon_spf_vars vars = make_vars(V4, "x");
    assert_string_equal(moon_spf_macro_expand(*state, MOON_SPAN("%{p}"), MOON_SPF_MACRO_DOMAIN,
                                              &vars, "d.example", NULL, 100),
                        "unknown");
}

static void keeps_the_end_of_a_name_and_the_start_of_an_explanation(void **state)
{
    struct moon_spf_vars vars = make_vars(V4, "x");
    struct moon_span text = MOON_SPAN("0123456789%{i}abcdefghij");

    assert_string_equal(
        moon_spf_macro_expand(*state, text, MOON_SPF_MACRO_DOMAIN, &vars, "d", NULL, 4), "ghij");
    assert_string_equal(
        moon_spf_macro_expand(*state, text, MOON_SPF_MACRO_EXPLANATION, &vars, "d", NULL, 4),
        "0123");
    assert_string_equal(
        moon_spf_macro_expand(*state, text, MOON_SPF_MACRO_DOMAIN, &vars, "d", NULL, 100),
        "0123456789192.0.2.3abcdefghij");
}

/* However much is cut off in front, the text is one of its own. */
static void keeps_its_end_whatever_is_allocated_next(void **state)
{
    static const char text[] =
        "0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUV";
    struct moon_spf_vars vars = make_vars(V4, "x");

    for (size_t max = 1; max <= (sizeof text - 1) / 2; max++) {
        struct moon_span span = {text, 2 * max};
        const char *got =
            moon_spf_macro_expand(*state, span, MOON_SPF_MACRO_DOMAIN, &vars, "d", NULL, max);
        assert_non_null(moon_arena_dup(*state, MOON_SPAN("next")));
        assert_int_equal(strlen(got), max);
        assert_memory_equal(got, text + max, max);
    }
}

#define LABEL_60 "a23456789012345678901234567890123456789012345678901234567890"

/* RFC 7208 sections 4.8 and 7.3. NULL: no such name. */
static const struct {
    const char *text, *name;
    size_t labels;
} targets[] = {
    {"Mail.Example.COM.", "mail.example.com", 3},
    {"single", "single", 1},
    {"a b.example", "a\\032b.example", 2},
    {"back\\slash.example", "back\\092slash.example", 2},
    {"\xc3\xa4.example", "\\195\\164.example", 2},
    {"a\x7f.example", "a\\127.example", 2},
    {"!a~.example", "!a~.example", 2},
    {"a..example", NULL, 0},
    {".example", NULL, 0},
    {"", NULL, 0},
    {".", NULL, 0},
    {"a" LABEL_60 "bcd.example", NULL, 0},
    {"drop." LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789",
     LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789", 5},
    {"x." LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789.",
     LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789", 5},
    {LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789.",
     LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789", 5},
    {"b" LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789",
     LABEL_60 "." LABEL_60 "." LABEL_60 ".123456789", 4}, /* a byte more than fits */
    {LABEL_60 LABEL_60 LABEL_60 LABEL_60 LABEL_60, NULL, 0},
};

static void makes_names_that_can_be_asked_for(void **state)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct moon_spf_target got;
        assert_int_equal(moon_spf_target_of(*state, targets[i].text, &got), MOON_OK);
        if (!targets[i].name) {
            assert_null(got.name);
            continue;
        }
        assert_non_null(got.name);
        assert_string_equal(got.name, targets[i].name);
        assert_int_equal(got.labels, targets[i].labels);
    }
}

static void finds_the_letters_that_a_text_uses(void **state)
{
    (void)state; /* nothing is allocated */
    assert_true(moon_spf_macro_uses(MOON_SPAN("a.%{P2r}.example"), "p"));
    assert_true(moon_spf_macro_uses(MOON_SPAN("%{d}%{l-}.example"), "sl"));
    assert_true(moon_spf_macro_uses(MOON_SPAN("%{r}%{p}"), "p"));
    assert_false(moon_spf_macro_uses(MOON_SPAN("pls%%{p.%{d}"), "pls"));
}

/* RFC 7208 section 7.1. Nobody else looks at the bytes of an explanation. */
static void refuses_bytes_that_a_text_may_not_have(void **state)
{
    static const struct {
        struct moon_span text;
        bool domain, explanation;
    } table[] = {
        {{"!~.a%{l_}", 9}, true, true},      {{" .a%{l}", 7}, false, true},
        {{"~ .a%{l}", 8}, false, true},      {{"a\x7f%{l}", 6}, false, false},
        {{"\x7f%{l}", 5}, false, false},     {{"\x1f%{l}", 5}, false, false},
        {{"\xc3\xa4%{l}", 6}, false, false}, {{"%{l\0}", 5}, false, false},
        {{"%{l.\0_}", 7}, false, false},     {{"%{\0}", 4}, false, false},
        {{"%{", 2}, false, false},
    };
    (void)state; /* nothing is allocated */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (moon_spf_macro_valid(table[i].text, MOON_SPF_MACRO_DOMAIN) != table[i].domain ||
            moon_spf_macro_valid(table[i].text, MOON_SPF_MACRO_EXPLANATION) != table[i].explanation)
            fail_msg("case %zu: want %d, %d", i, table[i].domain, table[i].explanation);
}

static void gives_nothing_when_memory_ends(void **state)
{
    struct moon_spf_vars vars = make_vars(V4, "x");
    struct moon_spf_target target;

    moon_arena_fail_at(*state, 1);
    assert_null(moon_spf_macro_expand(*state, MOON_SPAN("a"), MOON_SPF_MACRO_DOMAIN, &vars, "d",
                                      NULL, 100));
    for (size_t n = 1; n <= 2; n++) {
        moon_arena_fail_at(*state, n);
        assert_int_equal(moon_spf_target_of(*state, "a.example", &target), MOON_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(expands_every_macro_as_the_rules_say, make_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(says_unknown_without_a_validated_name, make_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(keeps_the_end_of_a_name_and_the_start_of_an_explanation,
                                        make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(keeps_its_end_whatever_is_allocated_next, make_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(makes_names_that_can_be_asked_for, make_arena, drop_arena),
        cmocka_unit_test(finds_the_letters_that_a_text_uses),
        cmocka_unit_test(refuses_bytes_that_a_text_may_not_have),
        cmocka_unit_test_setup_teardown(gives_nothing_when_memory_ends, make_arena, drop_arena),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
