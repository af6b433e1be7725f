/* SPDX-License-Identifier: MIT
 *
 * Spans and the checked cursor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/status.h"

static void assert_span(struct moon_span got, const char *want)
{
    if (!moon_span_is(got, want))
        fail_msg("got '%.*s', want '%s'", (int)got.n, got.p ? got.p : "", want);
}

static void an_absent_text_is_the_empty_span(void **state)
{
    (void)state;
    struct moon_span none = moon_span_of(NULL);
    assert_null(none.p);
    assert_int_equal(none.n, 0);
    assert_true(moon_span_eq(none, MOON_SPAN("")));
    assert_true(moon_span_is(none, NULL));
    assert_int_equal(moon_span_trim(none).n, 0);
    assert_int_equal(moon_span_sub(none, 3, 5).n, 0);
    assert_true(moon_span_find(none, 'a') == (size_t)-1);
    assert_true(moon_span_rfind(none, 'a') == (size_t)-1);
}

static void compares_with_and_without_case(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal, nocase;
    } table[] = {
        {"", "", true, true},           {"a", "a", true, true},
        {"a", "A", false, true},        {"a", "ab", false, false},
        {"[", "{", false, false},       {"@", "`", false, false},
        {"\xc4", "\xe4", false, false}, {"Example", "eXAMPLE", false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_span a = moon_span_of(table[i].a);
        if (moon_span_is(a, table[i].b) != table[i].equal)
            fail_msg("'%s' and '%s': want equal %d", table[i].a, table[i].b, table[i].equal);
        if (moon_span_is_nocase(a, table[i].b) != table[i].nocase)
            fail_msg("'%s' and '%s': want nocase %d", table[i].a, table[i].b, table[i].nocase);
    }
    assert_false(moon_span_eq((struct moon_span){"a\0b", 3}, (struct moon_span){"a\0c", 3}));
}

static void trims_only_white_space_and_only_at_the_ends(void **state)
{
    (void)state;
    assert_span(moon_span_trim(MOON_SPAN(" \t\r\na b\r\n \t")), "a b");
    assert_span(moon_span_trim(MOON_SPAN(" \t\r\n")), "");
    assert_span(moon_span_trim(MOON_SPAN("\v a")), "\v a");
}

static void cuts_a_part_to_what_is_there(void **state)
{
    static const struct {
        size_t from, n;
        const char *want;
    } table[] = {
        {0, 3, "abc"}, {1, 1, "b"},       {1, 9, "bc"},        {3, 1, ""},
        {4, 1, ""},    {SIZE_MAX, 1, ""}, {1, SIZE_MAX, "bc"}, {SIZE_MAX, SIZE_MAX, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_span(moon_span_sub(MOON_SPAN("abc"), table[i].from, table[i].n), table[i].want);
}

static void finds_the_first_and_the_last(void **state)
{
    (void)state;
    assert_int_equal(moon_span_find(MOON_SPAN("a@b@c"), '@'), 1);
    assert_int_equal(moon_span_rfind(MOON_SPAN("a@b@c"), '@'), 3);
    assert_int_equal(moon_span_rfind(MOON_SPAN("@bc"), '@'), 0);
    assert_true(moon_span_rfind(MOON_SPAN("abc"), '@') == (size_t)-1);
}

static void reads_numbers_up_to_the_bound_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t want;
    } table[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"32", 32, true, 32},
        {"33", 32, false, 0},
        {"007", 7, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"0x1", 99, false, 0},
        {"9", 8, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint64_t got = 0;
        bool ok = moon_span_number(moon_span_of(table[i].text), table[i].max, &got);
        if (ok != table[i].ok || got != table[i].want)
            fail_msg("'%s': got %d %llu, want %d %llu", table[i].text, ok, (unsigned long long)got,
                     table[i].ok, (unsigned long long)table[i].want);
    }
}

static void knows_ascii_classes_for_every_char(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
        bool digit = i >= '0' && i <= '9';
        assert_int_equal(moon_is_alpha(c), upper || lower);
        assert_int_equal(moon_is_digit(c), digit);
        assert_int_equal(moon_is_alnum(c), upper || lower || digit);
        assert_int_equal(moon_is_wsp(c), i == ' ' || i == '\t');
        assert_int_equal((unsigned char)moon_lower(c), upper ? i + 32 : i);
        assert_int_equal((unsigned char)moon_upper(c), lower ? i - 32 : i);
        const char *hex = "0123456789abcdef", *at = i ? strchr(hex, upper ? i + 32 : i) : NULL;
        assert_int_equal(moon_hex_value(c), at ? at - hex : -1);
    }
}

static void walks_bytes_to_the_end(void **state)
{
    (void)state;
    struct moon_buf buf = moon_buf_of((struct moon_span){"a\xff", 2});
    assert_int_equal(moon_buf_peek(&buf), 'a');
    assert_int_equal(moon_buf_peek_at(&buf, 1), 0xff);
    assert_int_equal(moon_buf_peek_at(&buf, 2), -1);
    assert_false(moon_buf_skip(&buf, 'b'));
    assert_true(moon_buf_skip(&buf, 'a'));
    assert_int_equal(moon_buf_byte(&buf), 0xff);
    assert_true(moon_buf_at_end(&buf));
    assert_false(moon_buf_skip(&buf, '\xff')); /* the end is no byte */
    assert_false(buf.failed);
    assert_int_equal(moon_buf_byte(&buf), -1);
    assert_true(buf.failed);
}

static void takes_runs(void **state)
{
    (void)state;
    struct moon_buf buf = moon_buf_of(MOON_SPAN("key=value;12x"));
    assert_span(moon_buf_until(&buf, '='), "key");
    assert_true(moon_buf_skip(&buf, '='));
    assert_span(moon_buf_until(&buf, ';'), "value");
    assert_span(moon_buf_take(&buf, 1), ";");
    assert_span(moon_buf_while(&buf, moon_is_digit), "12");
    assert_span(moon_buf_while(&buf, moon_is_digit), "");
    assert_span(moon_buf_until(&buf, ';'), "x"); /* to the end */
    assert_span(moon_buf_take(&buf, 0), "");
    assert_false(buf.failed);
}

static void a_failed_cursor_gives_nothing_more_and_is_at_its_end(void **state)
{
    (void)state;
    struct moon_buf buf = moon_buf_of(MOON_SPAN("abc"));
    assert_int_equal(moon_buf_u32(&buf), 0);
    assert_true(buf.failed);
    assert_true(moon_buf_at_end(&buf)); /* a loop until the end must end */
    assert_int_equal(moon_buf_peek(&buf), -1);
    assert_int_equal(moon_buf_u8(&buf), 0);
    assert_int_equal(moon_buf_byte(&buf), -1);
    assert_false(moon_buf_skip(&buf, 'a'));
    assert_int_equal(moon_buf_take(&buf, 1).n, 0);
    assert_int_equal(moon_buf_until(&buf, 'c').n, 0);
    assert_int_equal(moon_buf_while(&buf, moon_is_alpha).n, 0);
    assert_true(buf.failed);
    buf = moon_buf_of(MOON_SPAN("abc"));
    assert_null(moon_buf_take(&buf, SIZE_MAX).p);
    assert_true(buf.failed);
}

static void reads_numbers_in_network_order(void **state)
{
    (void)state;
    static const char bytes[] = "\x01\x02\x03\xff\xfe\xfd\xfc\x80\0\0\0\0\0\0\x01";
    struct moon_buf buf = moon_buf_of((struct moon_span){bytes, 15});
    assert_int_equal(moon_buf_u8(&buf), 1);
    assert_int_equal(moon_buf_u16(&buf), 0x0203);
    assert_true(moon_buf_u32(&buf) == 0xfffefdfcu);
    assert_true(moon_buf_u64(&buf) == 0x8000000000000001u);
    assert_true(moon_buf_at_end(&buf));
    assert_false(buf.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_text_is_the_empty_span),
        cmocka_unit_test(compares_with_and_without_case),
        cmocka_unit_test(trims_only_white_space_and_only_at_the_ends),
        cmocka_unit_test(cuts_a_part_to_what_is_there),
        cmocka_unit_test(finds_the_first_and_the_last),
        cmocka_unit_test(reads_numbers_up_to_the_bound_and_nothing_else),
        cmocka_unit_test(knows_ascii_classes_for_every_char),
        cmocka_unit_test(walks_bytes_to_the_end),
        cmocka_unit_test(takes_runs),
        cmocka_unit_test(a_failed_cursor_gives_nothing_more_and_is_at_its_end),
        cmocka_unit_test(reads_numbers_in_network_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
