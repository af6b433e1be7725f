/* SPDX-License-Identifier: MIT
 *
 * Domain names: normalization and comparison.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/message/domain.h"
#include "tests/support/arena_case.h"

static void assert_normal(struct moon_span text, const char *want)
{
    const char *got = moon_domain_normalize(arena, text);
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("'%.*s': got %s, want %s", (int)text.n, text.p ? text.p : "", got ? got : "none",
                 want ? want : "none");
    if (got)
        assert_string_equal(moon_domain_normalize(arena, moon_span_of(got)), got);
}

static void normalizes_names(void **state)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.Com.", "example.com"},
        {"com", "com"},
        {"c", "c"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"a-b.1.example", "a-b.1.example"},
        {"r3---sn-4G57.example", "r3---sn-4g57.example"}, /* in use: ASCII is taken as it is */
        {"xn--A.example", "xn--a.example"},               /* no A-label */
        {"xn--bcher-KVA.example", "xn--bcher-kva.example"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"}, /* RFC 5890 section 2.3.2.1: U-label to A-label */
        {"B\xc3\x9c"
         "CHER.Example.",
         "xn--bcher-kva.example"},
        {"bu\xcc\x88"
         "cher.example",
         "xn--bcher-kva.example"}, /* composed first */
        {"stra\xc3\x9f"
         "e.example",
         "xn--strae-oqa.example"}, /* nontransitional: the sharp s stays one letter */
        {"\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", "xn--fsq.xn--fsq"}, /* the ideographic stop */
        {"", NULL},
        {".", NULL},
        {"..", NULL},
        {".example.com", NULL},
        {"example..com", NULL},
        {"example.com..", NULL},
        {"exa mple.com", NULL},
        {"example.com ", NULL},
        {"example.com\n", NULL},
        {"[192.0.2.1]", NULL},
        {"a@example.com", NULL},
        {"a*.example", NULL},
        {"a,b.example", NULL},
        {"a\x7f.example", NULL},
        {"\xff.example", NULL},                 /* not UTF-8 */
        {"\xc3.example", NULL},                 /* cut off */
        {"\xe2\x80\xae.example", NULL},         /* right-to-left override */
        {"\xef\xbc\x8f.example", NULL},         /* full-width solidus: maps to '/' */
        {"\xc3\xa4\xef\xbc\xa0.example", NULL}, /* full-width commercial at */
        {"b\xc3\xbc..example", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_normal(moon_span_of(table[i].text), table[i].want);
    assert_normal((struct moon_span){NULL, 0}, NULL);
    assert_normal((struct moon_span){"a\0b.example", 11}, NULL);
    assert_normal((struct moon_span){"\xc3\xbc\0b.example", 12}, NULL);
}

/* RFC 1035 section 2.3.4. */
static void keeps_the_bounds_of_labels_and_names(void **state)
{
    char label[MOON_LABEL_MAX + 2], name[MOON_DOMAIN_MAX + 8];
    (void)state;
    memset(label, 'a', sizeof label);
    assert_non_null(moon_domain_normalize(arena, (struct moon_span){label, MOON_LABEL_MAX}));
    assert_null(moon_domain_normalize(arena, (struct moon_span){label, MOON_LABEL_MAX + 1}));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    assert_non_null(moon_domain_normalize(arena, (struct moon_span){name, MOON_DOMAIN_MAX}));
    assert_non_null(moon_domain_normalize(arena, (struct moon_span){name, MOON_DOMAIN_MAX + 1}));
    assert_null(moon_domain_normalize(arena, (struct moon_span){name, MOON_DOMAIN_MAX + 2}));
    assert_int_equal(
        moon_domain_labels(moon_domain_normalize(arena, (struct moon_span){name, MOON_DOMAIN_MAX})),
        127);
    name[1] = 'a'; /* no dot at the end of so many bytes */
    name[MOON_DOMAIN_MAX] = 'a';
    assert_null(moon_domain_normalize(arena, (struct moon_span){name, MOON_DOMAIN_MAX + 1}));
}

static void long_u_labels_are_no_names(void **state)
{
    static char text[8 * MOON_DOMAIN_MAX];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    assert_null(moon_domain_normalize(arena, (struct moon_span){text, 200}));
    assert_null(moon_domain_normalize(arena, (struct moon_span){text, 4 * MOON_DOMAIN_MAX}));
    assert_null(moon_domain_normalize(arena, (struct moon_span){text, sizeof text}));
}

/* Soft hyphens are dropped from U-labels: how long such a text may be is our own bound. */
static void no_text_is_longer_than_its_bound(void **state)
{
    static const size_t bound = 4 * MOON_DOMAIN_MAX;
    char text[4 * MOON_DOMAIN_MAX + 2];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc2\xad", 2);
    memcpy(text + bound - 2, "ab", 2);
    assert_normal((struct moon_span){text, bound}, "ab");
    memcpy(text + bound - 2, "abc", 3);
    assert_normal((struct moon_span){text, bound + 1}, NULL);
    assert_normal((struct moon_span){text + 2, bound - 1}, "abc");
}

static void counts_and_cuts_labels(void **state)
{
    (void)state;
    assert_int_equal(moon_domain_labels(""), 0);
    assert_int_equal(moon_domain_labels("com"), 1);
    assert_int_equal(moon_domain_labels("a.b.c"), 3);
    assert_string_equal(moon_domain_tail("a.b.c", 1), "c");
    assert_string_equal(moon_domain_tail("a.b.c", 2), "b.c");
    assert_string_equal(moon_domain_tail("a.b.c", 3), "a.b.c");
    assert_string_equal(moon_domain_tail("a.b.c", 9), "a.b.c");
    assert_string_equal(moon_domain_tail("a.b.c", 0), "c"); /* never less than a label */
    assert_string_equal(moon_domain_parent("a.b.c"), "b.c");
    assert_null(moon_domain_parent("c"));
}

static void tells_what_is_within_a_domain(void **state)
{
    static const struct {
        const char *domain, *parent;
        bool within;
    } table[] = {
        {"example.com", "example.com", true},
        {"a.example.com", "example.com", true},
        {"badexample.com", "example.com", false},
        {"example.com", "a.example.com", false},
        {"example.com.evil", "example.com", false},
        {"example.com", "com", true},
        {"example.com", "", false},
        {"", "com", false},
        {"m", "com", false},
        {"x.m", "m", true},
        {"", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (moon_domain_within(table[i].domain, table[i].parent) != table[i].within)
            fail_msg("'%s' in '%s': want %d", table[i].domain, table[i].parent, table[i].within);
    assert_true(moon_domain_equal("a.b", "a.b"));
    assert_false(moon_domain_equal("a.b", "a.bc"));
}

static void says_when_memory_runs_out(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        moon_arena_fail_at(arena, n);
        assert_null(moon_domain_normalize(arena, MOON_SPAN("b\xc3\xbc"
                                                           "cher.example")));
    }
    moon_arena_fail_at(arena, 1);
    assert_null(moon_domain_normalize(arena, MOON_SPAN("example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(normalizes_names, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(keeps_the_bounds_of_labels_and_names, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(long_u_labels_are_no_names, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(no_text_is_longer_than_its_bound, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(counts_and_cuts_labels, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(tells_what_is_within_a_domain, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
