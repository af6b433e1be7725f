/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_hash.c: header selection (RFC 6376 section 5.4.2) and
 * whole verifications.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/sig_hash.h"
#include "engine/base/limits.h"
#include "tests/support/arena_case.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

static void picks_the_fields_of_a_name_from_the_lowest_up(void **state)
{
    static const char text[] = "B: 1\r\na: 2\r\nB: 3\r\nReceived: 4\r\nb : 5\r\nba: 6\r\n\r\n";
    static const struct {
        struct moon_sig_name name;
        int own, want; /* field indices; -1: none */
    } table[] = {
        {{"b", 0}, -1, 4},
        {{"b", 1}, -1, 2},
        {{"b", 2}, -1, 0},
        {{"b", 3}, -1, -1},
        {{"a", 0}, -1, 1},
        {{"a", 1}, -1, -1},
        {{"ba", 0}, -1, 5},
        {{"c", 0}, -1, -1},
        {{"", 0}, -1, -1},
        {{"received", 0}, -1, 3},
        {{"zz", 0}, -1, -1},
        {{"b", 4294967295u}, -1, -1},
        /* the own field is passed over, wherever it stands */
        {{"b", 0}, 4, 2},
        {{"b", 1}, 4, 0},
        {{"b", 2}, 4, -1},
        {{"b", 0}, 2, 4},
        {{"b", 1}, 2, 0},
        {{"b", 2}, 2, -1},
        {{"b", 0}, 0, 4},
        {{"b", 1}, 0, 2},
        {{"b", 2}, 0, -1},
        {{"a", 0}, 0, 1},
    };
    (void)state;
    struct moon_message *msg = moon_case_message(arena, text, sizeof text - 1);
    const struct moon_sig_fields *fields = moon_sig_fields_of(arena, msg);
    assert_non_null(fields);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct moon_field *own = table[i].own < 0 ? NULL : &msg->fields[table[i].own];
        const struct moon_field *got = moon_sig_fields_pick(fields, table[i].name, own);
        int index = got ? (int)got->index : -1;
        if (index != table[i].want)
            fail_msg("%s %u without %d: got %d, want %d", table[i].name.name,
                     table[i].name.occurrence, table[i].own, index, table[i].want);
    }
}

static void finds_nothing_in_a_message_without_fields(void **state)
{
    (void)state;
    struct moon_message *msg = moon_case_message(arena, "\r\nbody", 6);
    const struct moon_sig_fields *fields = moon_sig_fields_of(arena, msg);
    assert_non_null(fields);
    assert_null(moon_sig_fields_pick(fields, (struct moon_sig_name){"from", 0}, NULL));
}

/* A whole verification by the core, with the body in pieces. */
static void verifies_whatever_the_chunks(void **state)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64};
    static const char *const canons[] = {"simple/simple", "relaxed/relaxed"};
    static const char text[] = "From: a@example.com\nSubject: b\n\n body \t x\n\n\nend \n\n\n";
    EVP_PKEY *key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    (void)state;
    assert_non_null(key);
    char *record = moon_sign_record(key, 0);
    char *zone = moon_case_txt(arena, "s._domainkey.example.com", record);
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            struct moon_sign sign = moon_sign_default("example.com", "s");
            const char *reason;
            size_t size;
            sign.canon = canons[c];
            char *out = moon_sign_message(&sign, key, text, sizeof text - 1, &size);
            assert_non_null(out);
            assert_int_equal(moon_case_core(arena, zone, out, size, 0, chunks[i], &reason),
                             MOON_RESULT_PASS);
            free(out);
        }
    free(record);
    EVP_PKEY_free(key);
}

/* RFC 6376 section 3.5, l=: "MUST NOT be larger than the actual number of octets in the
 * canonicalized message body". */
static void a_length_may_be_that_of_the_whole_body(void **state)
{
    static const char text[] = "From: a@example.com\n\n0123456789\n";
    EVP_PKEY *key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    (void)state;
    assert_non_null(key);
    char *record = moon_sign_record(key, 0);
    char *zone = moon_case_txt(arena, "s._domainkey.example.com", record);
    for (int64_t length = 11; length <= 12; length++) {
        struct moon_sign sign = moon_sign_default("example.com", "s");
        const char *reason;
        size_t size;
        sign.length = length;
        char *out = moon_sign_message(&sign, key, text, sizeof text - 1, &size);
        assert_non_null(out);
        assert_int_equal(moon_case_core(arena, zone, out, size, 0, 64, &reason), MOON_RESULT_PASS);
        assert_int_equal(moon_case_core(arena, zone, out, size - 1, 0, 64, &reason),
                         MOON_RESULT_PASS); /* the final line end is not missed */
        free(out);
    }
    free(record);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_the_fields_of_a_name_from_the_lowest_up),
        cmocka_unit_test(finds_nothing_in_a_message_without_fields),
        cmocka_unit_test(verifies_whatever_the_chunks),
        cmocka_unit_test(a_length_may_be_that_of_the_whole_body),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
