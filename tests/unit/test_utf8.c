/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/message/utf8.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/message/utf8.h"

/* RFC 3629 section 3: the code point that these bytes stand for, computed from the bits; -1 when
 * they are no character above ASCII. *length_r: how many of them are it. */
static long code_of(const unsigned char *bytes, size_t n, size_t *length_r)
{
    static const struct {
        unsigned char mask, lead;
        size_t length;
        long least;
    } forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

    for (size_t f = 0; f < 3; f++) {
        if ((bytes[0] & forms[f].mask) != forms[f].lead || n < forms[f].length)
            continue;
        long code = bytes[0] & ~forms[f].mask;
        for (size_t i = 1; i < forms[f].length; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return -1;
            code = code * 64 + (bytes[i] & 0x3f);
        }
        *length_r = forms[f].length;
        return code < forms[f].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
                   ? -1
                   : code;
    }
    return -1;
}

static void check(const unsigned char *bytes, size_t n)
{
    char *exact = malloc(n); /* so that reading behind the end is seen */
    size_t length = 0;
    bool want = code_of(bytes, n, &length) >= 0;

    assert_non_null(exact);
    memcpy(exact, bytes, n);
    struct moon_buf in = moon_buf_of((struct moon_span){exact, n});
    bool got = moon_utf8_take(&in);
    free(exact);
    if (got != want || (want && n - in.left != length))
        fail_msg("%02x %02x %02x %02x, %zu bytes: got %d and %zu, want %d and %zu", bytes[0],
                 n > 1 ? bytes[1] : 0, n > 2 ? bytes[2] : 0, n > 3 ? bytes[3] : 0, n, got,
                 n - in.left, want, length);
}

/* RFC 3629 sections 3 and 4: every first and second byte, the later ones at their borders. */
static void takes_exactly_the_characters_of_the_rfc(void **state)
{
    static const unsigned char later[] = {0x7f, 0x80, 0xbf, 0xc0};

    (void)state; /* cmocka's, not used */
    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t i = 0; i < 16; i++) {
                unsigned char bytes[] = {(unsigned char)lead, (unsigned char)second, later[i / 4],
                                         later[i % 4]};
                check(bytes, sizeof bytes);
            }
}

static void refuses_a_character_that_is_cut(void **state)
{
    static const unsigned char cut[][4] = {
        {0xc3, 0xa9}, {0xe2, 0x82, 0xac}, {0xf0, 0x9f, 0x98, 0x80}};

    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < 3; i++)
        for (size_t n = 1; n <= 4; n++)
            check(cut[i], n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_exactly_the_characters_of_the_rfc),
        cmocka_unit_test(refuses_a_character_that_is_cut),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
