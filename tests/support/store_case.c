/* SPDX-License-Identifier: MIT
 *
 * store_case: see the header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/support/store_case.h"

#define NOW STORE_CASE_NOW
#define DAY 86400

struct moon_store_question store_case_question(const char *space, const char *key, int64_t span_s,
                                               int64_t add)
{
    return (struct moon_store_question){.space = moon_span_of(space),
                                        .key = moon_span_of(key),
                                        .now_s = NOW,
                                        .span_s = span_s,
                                        .add = add};
}

int64_t store_case_count(struct moon_store *store, const char *space, const char *key,
                         int64_t now_s, int64_t window_s, int64_t add)
{
    struct moon_store_question q = store_case_question(space, key, window_s, add);
    int64_t count = -1;
    const char *why = NULL;
    q.now_s = now_s;
    return moon_store_count(store, &q, &count, &why) ? count : -1;
}

int64_t store_case_first(struct moon_store *store, const char *key, int64_t now_s, int64_t keep_s,
                         int64_t add)
{
    struct moon_store_question q = store_case_question("t acme", key, keep_s, add);
    int64_t first_s = -1;
    const char *why = NULL;
    q.now_s = now_s;
    return moon_store_first_seen(store, &q, &first_s, &why) ? first_s : -2;
}

static void windows(struct moon_store *store)
{
    static const struct {
        int64_t after_s, add, want;
    } table[] = {
        {0, 1, 1},
        {0, 1, 2},
        {0, 0, 2}, /* only looked */
        {1, 5, 7},
        {DAY - 1, 0, 7}, /* nothing of the window is missed */
        {DAY, 1, 8},
        {DAY + 3599, 0, 8}, /* and up to a twenty-fourth more */
        {DAY + 2 * 3600, 0, 1},
        {2 * DAY - 1, 1, 2},
        {5 * DAY, 0, 0},
        {5 * DAY, 3, 3},
        {4 * DAY + 82800, 0, 3}, /* a clock that is an hour behind sees it as well */
        {60 * DAY, 1, 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        /* From the beginning of an hour, which is the step of this window. */
        int64_t now_s = NOW / 3600 * 3600 + table[i].after_s;
        int64_t got = store_case_count(store, "t acme", "window", now_s, DAY, table[i].add);
        if (got != table[i].want)
            fail_msg("row %zu: got %lld, want %lld", i, (long long)got, (long long)table[i].want);
    }
}

static void spaces_and_keys(struct moon_store *store)
{
    char a[5000], b[5000];

    assert_int_equal(store_case_count(store, "t acme", "k", NOW, DAY, 2), 2);
    assert_int_equal(store_case_count(store, "t beta", "k", NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acm", "ek", NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", "K", NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", "k", NOW, 3600, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", "", NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", "k", NOW, DAY, 0), 2);
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    a[4999] = b[4998] = '\0'; /* one byte shorter */
    assert_int_equal(store_case_count(store, "t acme", a, NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", b, NOW, DAY, 1), 1);
    /* Whatever bytes: they are not part of anybody's language. */
    assert_int_equal(store_case_count(store, "t acme", "'; DROP\r\n$5 * \x01\xff", NOW, DAY, 1), 1);
    assert_int_equal(store_case_count(store, "t acme", "'; DROP\r\n$5 * \x01\xff", NOW, DAY, 1), 2);
}

static void first_times(struct moon_store *store, bool forgets_by_our_clock)
{
    assert_int_equal(store_case_first(store, "a", NOW, 30 * DAY, 0), -1);
    assert_int_equal(store_case_first(store, "a", NOW, 30 * DAY, 1), NOW);
    assert_int_equal(store_case_first(store, "a", NOW + 100, 30 * DAY, 1), NOW);
    assert_int_equal(store_case_first(store, "a", NOW + 100, 30 * DAY, 0), NOW);
    assert_int_equal(store_case_first(store, "b", NOW + 100, 30 * DAY, 1), NOW + 100);
    /* Another host's clock is ahead of ours: never in the future. */
    assert_int_equal(store_case_first(store, "b", NOW + 50, 30 * DAY, 1), NOW + 50);
    /* Seen again, it is kept on; not seen for long, it is forgotten. */
    assert_int_equal(store_case_first(store, "a", NOW + 29 * DAY, 30 * DAY, 1), NOW);
    assert_int_equal(store_case_first(store, "a", NOW + 58 * DAY, 30 * DAY, 1), NOW);
    if (forgets_by_our_clock) {
        assert_int_equal(store_case_first(store, "a", NOW + 90 * DAY, 30 * DAY, 0), -1);
        assert_int_equal(store_case_first(store, "a", NOW + 90 * DAY, 30 * DAY, 1), NOW + 90 * DAY);
    }
    /* A count and a first time of one name are two things. */
    assert_int_equal(store_case_count(store, "t acme", "a", NOW, DAY, 1), 1);
}

static void pretending(struct moon_store *store)
{
    struct moon_store_question q = store_case_question("t acme", "pretend", DAY, 4);
    int64_t got = 0;
    const char *why = NULL;

    q.pretend = true;
    assert_true(moon_store_count(store, &q, &got, &why) && got == 4);
    assert_true(moon_store_count(store, &q, &got, &why) && got == 4);
    assert_int_equal(store_case_count(store, "t acme", "pretend", NOW, DAY, 1), 1);
    assert_true(moon_store_count(store, &q, &got, &why) && got == 5);
    q.key = MOON_SPAN("pretend first");
    assert_true(moon_store_first_seen(store, &q, &got, &why) && got == NOW);
    assert_int_equal(store_case_first(store, "pretend first", NOW, DAY, 0), -1);
}

void store_case_all(struct moon_store *store, bool forgets_by_our_clock)
{
    windows(store);
    spaces_and_keys(store);
    first_times(store, forgets_by_our_clock);
    pretending(store);
}
