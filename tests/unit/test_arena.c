/* SPDX-License-Identifier: MIT
 *
 * The arena and the string that grows in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"

#define ROOM (1024u * 1024)

static int begin(void **state)
{
    struct moon_arena *arena = moon_arena_create(ROOM);
    *state = arena;
    return arena ? 0 : -1;
}

static int end(void **state)
{
    struct moon_arena *arena = *state;
    moon_arena_destroy(&arena);
    assert_null(arena);
    moon_arena_destroy(&arena); /* nothing to do */
    return 0;
}

static void gives_zeroed_aligned_memory_of_every_size(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 16384, 65536, 65537, 300000};
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *memory = moon_arena_alloc(*state, sizes[i]);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(memory[k], 0);
            memset(memory, 0xa5, sizes[i]); /* must not shine through later */
        }
}

static void requests_do_not_overlap(void **state)
{
    char *parts[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 37 % 900 + 1;
        parts[i] = moon_arena_alloc(*state, size);
        assert_non_null(parts[i]);
        memset(parts[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 37 % 900 + 1; k++)
            assert_int_equal((unsigned char)parts[i][k], i);
}

static void stops_at_its_cap(void **state)
{
    assert_null(moon_arena_alloc(*state, ROOM + 1));
    assert_non_null(moon_arena_alloc(*state, ROOM / 2));
    assert_null(moon_arena_alloc(*state, ROOM / 2 + 1));
    assert_non_null(moon_arena_alloc(*state, ROOM / 2));
    assert_null(moon_arena_alloc(*state, 1));
    assert_int_equal(moon_arena_used_bytes(*state), ROOM);
}

static void refuses_sizes_that_overflow(void **state)
{
    (void)state;
    struct moon_arena *arena = moon_arena_create(SIZE_MAX);
    assert_non_null(arena);
    assert_null(moon_arena_alloc(arena, SIZE_MAX));
    assert_null(moon_arena_alloc(arena, SIZE_MAX - 3));
    assert_null(moon_arena_alloc(arena, SIZE_MAX - 40));
    assert_null(moon_arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(moon_arena_array(arena, SIZE_MAX, SIZE_MAX));
    assert_non_null(moon_arena_array(arena, 0, SIZE_MAX));
    assert_non_null(moon_arena_array(arena, SIZE_MAX, 0));
    moon_arena_destroy(&arena);
}

/* All that zeroed memory does, but for the zeros. */
static void raw_memory_counts_and_ends_like_any_other(void **state)
{
    size_t before = moon_arena_used_bytes(*state);
    char *memory = moon_arena_raw(*state, 1000), *next = moon_arena_alloc(*state, 1000);
    assert_true(memory && next);
    memset(memory, 0xa5, 1000);
    for (size_t k = 0; k < 1000; k++)
        assert_int_equal(next[k], 0);
    assert_in_range(moon_arena_used_bytes(*state) - before, 2000, 2032);
    assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
    assert_null(moon_arena_raw(*state, ROOM));
    assert_true(moon_arena_failed(*state));
    moon_arena_fail_at(*state, 1);
    assert_null(moon_arena_raw(*state, 1));
}

static void appends_one_by_one(void **state)
{
    uint32_t *items = NULL;
    for (uint32_t count = 0; count < 1000; count++) {
        items = moon_arena_append(*state, items, count, sizeof *items);
        assert_non_null(items);
        items[count] = count;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
}

static void copies_are_terminated(void **state)
{
    assert_string_equal(moon_arena_dup(*state, (struct moon_span){"abcd", 3}), "abc");
    assert_string_equal(moon_arena_dup(*state, (struct moon_span){NULL, 0}), "");
    assert_string_equal(moon_arena_cstr(*state, "xyz"), "xyz");
    assert_string_equal(moon_arena_printf(*state, "%s-%d", "a", 7), "a-7");
    char *long_one = moon_arena_printf(*state, "%0*d", 5000, 1);
    assert_int_equal(strlen(long_one), 5000);
    for (int n = 0; n < 1100; n++) {
        char *text = moon_arena_printf(*state, "%*s", n, "");
        assert_int_equal(strlen(text), n);
        assert_int_equal(strspn(text, " "), n);
    }
}

static void fails_at_the_request_asked_for_and_from_then_on(void **state)
{
    moon_arena_fail_at(*state, 2);
    assert_non_null(moon_arena_alloc(*state, 1));
    assert_null(moon_arena_alloc(*state, 1));
    assert_null(moon_arena_cstr(*state, "a"));
    assert_null(moon_arena_printf(*state, "a"));
    assert_null(moon_arena_append(*state, NULL, 0, 1));
    moon_arena_fail_at(*state, 0);
    assert_non_null(moon_arena_alloc(*state, 1));
}

static void a_string_grows_by_every_kind_of_addition(void **state)
{
    struct moon_str str;
    moon_str_begin(&str, *state);
    assert_string_equal(moon_str_end(&str), "");
    moon_str_add(&str, "ab");
    moon_str_add(&str, "");
    moon_str_add_char(&str, 'c');
    moon_str_add_span(&str, (struct moon_span){"defg", 2});
    moon_str_add_span(&str, (struct moon_span){NULL, 0});
    moon_str_addf(&str, "-%d-", 5);
    assert_string_equal(moon_str_end(&str), "abcde-5-");
    assert_int_equal(str.length, 8);
}

static void a_string_keeps_all_bytes_across_every_growth(void **state)
{
    struct moon_str str;
    moon_str_begin(&str, *state);
    for (int i = 0; i < 3000; i++) {
        moon_str_add_char(&str, (char)('a' + i % 26));
        if (i < 200)
            assert_non_null(moon_str_end(&str)); /* the terminator has room at every length */
    }
    char *text = moon_str_end(&str);
    assert_int_equal(strlen(text), 3000);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(text[i], 'a' + i % 26);
}

static void long_formatted_additions_are_not_cut(void **state)
{
    static const int lengths[] = {510, 511, 512, 513, 4000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct moon_str str;
        moon_str_begin(&str, *state);
        moon_str_addf(&str, "%0*d", lengths[i], 1);
        assert_int_equal(strlen(moon_str_end(&str)), lengths[i]);
    }
}

/* Formats without another conversion than "%s" go a way of their own. */
static void texts_are_put_together_as_printf_does_it(void **state)
{
    char longer[700];
    struct moon_str str;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    moon_str_begin(&str, *state);
    moon_str_addf(&str, "nothing;");
    moon_str_addf(&str, "%s", "one;");
    moon_str_addf(&str, "%s%s", "", "two;");
    moon_str_addf(&str, "<%s, %s>", "three", "four");
    moon_str_addf(&str, "%s%%%d%s", "not ", 5, " texts only");
    assert_string_equal(moon_str_end(&str), "nothing;one;two;<three, four>not %5 texts only");
    moon_str_addf(&str, "%s!", longer);
    assert_int_equal(str.length, 46 + 699 + 1);
    assert_string_equal(moon_str_end(&str) + 46 + 698, "x!");
    assert_string_equal(moon_arena_printf(*state, "plain"), "plain");
    assert_string_equal(moon_arena_printf(*state, "%s@%s", "a", "b"), "a@b");
    assert_string_equal(moon_arena_printf(*state, "%s", ""), "");
    assert_int_equal(strlen(moon_arena_printf(*state, "%s%s", longer, longer)), 2 * 699);
    moon_arena_fail_at(*state, 1);
    assert_null(moon_arena_printf(*state, "%s", "a"));
    moon_str_addf(&str, "%s%s", longer, longer);
    assert_null(moon_str_end(&str));
}

static void a_string_that_failed_stays_failed(void **state)
{
    struct moon_str str;
    moon_str_begin(&str, *state);
    moon_str_add(&str, "abc");
    moon_arena_fail_at(*state, 1);
    moon_str_addf(&str, "%0*d", 600, 1);
    assert_true(str.failed);
    moon_arena_fail_at(*state, 0);
    size_t used = moon_arena_used_bytes(*state);
    moon_str_add(&str, "d");
    moon_str_addf(&str, "%0*d", 600, 1);
    assert_null(moon_str_end(&str));
    assert_int_equal(moon_arena_used_bytes(*state), used);
}

static void a_string_that_failed_takes_nothing_though_there_was_room(void **state)
{
    struct moon_str str;
    moon_str_begin(&str, *state);
    moon_str_add_char(&str, 'a');
    moon_arena_fail_at(*state, 1);
    for (size_t i = 0; i < 100; i++)
        moon_str_add(&str, "more than there is room for");
    moon_arena_fail_at(*state, 0);
    assert_true(str.failed);
    size_t length = str.length;
    moon_str_add_char(&str, 'b');
    moon_str_add(&str, "c");
    assert_int_equal(str.length, length);
    assert_null(moon_str_end(&str));
}

static void a_string_larger_than_memory_fails_and_reads_nothing(void **state)
{
    struct moon_str str;
    moon_str_begin(&str, *state);
    moon_str_add_span(&str, (struct moon_span){"a", SIZE_MAX});
    assert_true(str.failed);
    assert_null(moon_str_end(&str));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_zeroed_aligned_memory_of_every_size, begin, end),
        cmocka_unit_test_setup_teardown(requests_do_not_overlap, begin, end),
        cmocka_unit_test_setup_teardown(stops_at_its_cap, begin, end),
        cmocka_unit_test_setup_teardown(refuses_sizes_that_overflow, begin, end),
        cmocka_unit_test_setup_teardown(raw_memory_counts_and_ends_like_any_other, begin, end),
        cmocka_unit_test_setup_teardown(appends_one_by_one, begin, end),
        cmocka_unit_test_setup_teardown(copies_are_terminated, begin, end),
        cmocka_unit_test_setup_teardown(fails_at_the_request_asked_for_and_from_then_on, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_string_grows_by_every_kind_of_addition, begin, end),
        cmocka_unit_test_setup_teardown(a_string_keeps_all_bytes_across_every_growth, begin, end),
        cmocka_unit_test_setup_teardown(long_formatted_additions_are_not_cut, begin, end),
        cmocka_unit_test_setup_teardown(texts_are_put_together_as_printf_does_it, begin, end),
        cmocka_unit_test_setup_teardown(a_string_that_failed_stays_failed, begin, end),
        cmocka_unit_test_setup_teardown(a_string_that_failed_takes_nothing_though_there_was_room,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_string_larger_than_memory_fails_and_reads_nothing, begin,
                                        end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
