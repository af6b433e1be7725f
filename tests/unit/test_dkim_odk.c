/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim_odk.c: what reaches libopendkim. dkim_header() is replaced by one that
 * writes down every field before it hands it on. What the library says: test_dkim_odk_says.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>

#include "engine/auth/dkim.h"
#include "engine/auth/dkim_odk.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

/* The library's own, called by dkim_odk.c; its header is included there only. */
int dkim_header(void *dkim, unsigned char *field, size_t size);

static struct moon_arena *arena;
static EVP_PKEY *key;
static char *zone;
static char *seen[1000];
static size_t seen_count;

int dkim_header(void *dkim, unsigned char *field, size_t size)
{
    int (*real)(void *, unsigned char *, size_t);
    void *found = dlsym(RTLD_NEXT, "dkim_header");

    memcpy(&real, &found, sizeof real);
    if (seen_count < sizeof seen / sizeof *seen)
        seen[seen_count++] = moon_arena_dup(arena, (struct moon_span){(char *)field, size});
    return real(dkim, field, size);
}

static bool without_random;

ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    ssize_t (*real)(void *, size_t, unsigned);
    void *found = dlsym(RTLD_NEXT, "getrandom");

    memcpy(&real, &found, sizeof real);
    assert_int_equal(flags, 0); /* it waits until there are some */
    return without_random ? -1 : real(buffer, size, flags);
}

static int set_up(void **state)
{
    (void)state;
    arena = moon_arena_create(64u << 20);
    key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    char *record = key ? moon_sign_record(key, 0) : NULL;
    zone = record ? moon_case_txt(arena, "s._domainkey.example.com", record) : NULL;
    free(record);
    seen_count = 0;
    return zone ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    moon_arena_destroy(&arena);
    return 0;
}

static char *sign_text(const struct moon_sign *sign, const char *text)
{
    size_t size = 0;
    char *out = moon_sign_message(sign, key, text, strlen(text), &size);
    assert_non_null(out);
    char *copy = moon_arena_dup(arena, (struct moon_span){out, size});
    free(out);
    return copy;
}

static void expect_sentinel(const char *field)
{
    assert_int_equal(strlen(field), 2 + 32 + 3);
    assert_memory_equal(field, "x-", 2);
    assert_int_equal(strspn(field + 2, "0123456789abcdef"), 32);
    assert_memory_not_equal(field + 2, field + 2 + 16, 16);
    assert_string_equal(field + 34, ": 1");
}

static void gives_a_sentinel_of_another_name_each_time(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    char *text = sign_text(&sign, "From: a@example.com\n\nbody\n");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(moon_case_dkim(arena, zone, text, strlen(text)).result, MOON_RESULT_PASS);
    assert_int_equal(seen_count, 9);
    for (size_t i = 0; i < 9; i += 3) {
        expect_sentinel(seen[i]);
        assert_memory_equal(seen[i + 1], "DKIM-Signature:", 15);
        assert_string_equal(seen[i + 2], "From: a@example.com");
    }
    assert_string_not_equal(seen[0], seen[3]);
    assert_string_not_equal(seen[3], seen[6]);
}

/* Without a name that nobody can know it gets no field at all. */
static void gives_nothing_without_a_sentinel(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    char *text = sign_text(&sign, "From: a@example.com\n\nbody\n");
    without_random = true;
    struct moon_dkim dkim = moon_case_dkim(arena, zone, text, strlen(text));
    without_random = false;
    assert_int_equal(seen_count, 0);
    assert_int_equal(dkim.result, MOON_RESULT_NEUTRAL);
    assert_string_equal(dkim.sigs[0].reason, "libopendkim cannot be used");
}

static void gives_only_the_fields_that_are_signed(void **state)
{
    struct moon_sign sign = moon_sign_default("example.com", "s");
    (void)state;
    sign.headers = "from:x-many:subject:x-many:list-id";
    char *text =
        sign_text(&sign, "X-Many: 1\nReceived: not signed\nX-Many: 2\nFrom: a@example.com\n"
                         "To: not signed\nX-Many: 3\nSubject: s\n\nbody\n");
    assert_int_equal(moon_case_dkim(arena, zone, text, strlen(text)).result, MOON_RESULT_PASS);
    static const char *const want[] = {
        "x-", "DKIM-Signature:", "X-Many: 2", "From: a@example.com", "X-Many: 3", "Subject: s"};
    assert_int_equal(seen_count, sizeof want / sizeof *want);
    for (size_t i = 0; i < seen_count; i++)
        assert_memory_equal(seen[i], want[i], strlen(want[i]));
}

static void gives_no_signature_that_the_gate_refused(void **state)
{
    struct moon_sign good = moon_sign_default("example.com", "s"), bad = good;
    (void)state;
    bad.extra = "x=1; x=2;";
    char *text = sign_text(&good, "From: a@example.com\n\nbody\n");
    text = sign_text(&bad, text);
    bad.extra = "q=other;";
    text = sign_text(&bad, text);
    bad = moon_sign_default("example.com", "lost");
    text = sign_text(&bad, text);
    struct moon_dkim dkim = moon_case_dkim(arena, zone, text, strlen(text));
    assert_int_equal(dkim.count, 4);
    assert_int_equal(dkim.sigs[3].result, MOON_RESULT_PASS);
    size_t signatures = 0;
    for (size_t i = 0; i < seen_count; i++)
        signatures += strncmp(seen[i], "DKIM-Signature:", 15) == 0;
    assert_int_equal(signatures, 1);
}

/* It takes the lowest it was given for the one that is covered: right only where that one is given
 * as well. */
static void gives_a_signature_that_covers_another_only_with_that(void **state)
{
    static const struct {
        const char *below, *extra;
        size_t want;
    } table[] = {
        {"s", NULL, 2},
        {"lost", NULL, 0}, /* refused */
        {"s", "xb=1;", 0}, /* the core's */
        {NULL, NULL, 0},   /* there is none */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "s"), below = sign;
        const char *text = "From: a@example.com\n\nbody\n";
        sign.headers = "from:dkim-signature";
        below.selector = table[i].below;
        below.extra = table[i].extra;
        if (table[i].below)
            text = sign_text(&below, text);
        text = sign_text(&sign, text);
        seen_count = 0;
        struct moon_dkim dkim = moon_case_dkim(arena, zone, text, strlen(text));
        assert_int_equal(dkim.sigs[0].result, MOON_RESULT_PASS);
        size_t signatures = 0;
        for (size_t k = 0; k < seen_count; k++)
            signatures += strncmp(seen[k], "DKIM-Signature:", 15) == 0;
        if (signatures != table[i].want)
            fail_msg("row %zu: %zu signatures given, want %zu", i, signatures, table[i].want);
    }
}

static void is_not_called_when_nothing_is_left(void **state)
{
    struct moon_sign bad = moon_sign_default("example.com", "lost");
    (void)state;
    char *text = sign_text(&bad, "From: a@example.com\n\nbody\n");
    assert_int_equal(moon_case_dkim(arena, zone, text, strlen(text)).result, MOON_RESULT_PERMERROR);
    assert_int_equal(seen_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_a_sentinel_of_another_name_each_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gives_nothing_without_a_sentinel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_only_the_fields_that_are_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_no_signature_that_the_gate_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gives_a_signature_that_covers_another_only_with_that,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_not_called_when_nothing_is_left, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
