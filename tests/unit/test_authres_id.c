/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/authres_id.c: which fields claim to be ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/authres.h"
#include "engine/auth/authres_id.h"
#include "engine/base/status.h"

/* RFC 8601 section 5 */
static void knows_fields_in_our_name(void **state)
{
    static const struct {
        const char *value;
        bool ours;
    } cases[] = {
        {" mx.rcpt.example; spf=pass", true},
        {"mx.rcpt.example", true},
        {" MX.Rcpt.EXAMPLE 1; none", true},
        {" (x (y\\)) z)\r\n\t mx.rcpt.example (v) 1 (w) ; none", true},
        {" \"mx.rcpt.example\"; none", true},
        {" \"mx.rc\\pt.example\" ; none", true},
        {" mx.rcpt.example.; none", true},
        {" mx.rcpt.example.org; none", false},
        {" other.example; spf=pass", false},
        {" \"other example\" 1; spf=pass", false},
        {" other.example 1", false},
        {" other.example\r\n ; none", false},
        {" (x\r\n\ty\n) other.example; none", false},
        {" \"other\r\n.example\"; none", false},
        {" \"other\t.example\"; none", false},
        {" m\xc3\xbc\x80.example; none", false},
        {" ((((((((((((((((((((x)))))))))))))))))))) other.example; none", false},
        {" \"mx.rcpt\r\n.example\"; none", true},
        {"\tother.example; none", false},
        /* nobody can tell whose these are */
        {" (\x1f) other.example; none", true},
        {" other.example (x", true},
        {" other.example (x\\", true},
        {" other.example (((((((((((((((((((((; none", true},
        {"", true},
        {" ;", true},
        {" (mx.rcpt.example", true},
        {" spf=pass smtp.mailfrom=x", true},
        {" other.example spf=pass", true},
        {" other.example/x; none", true},
        {" \"other.example; none", true},
        {" \"mx\".rcpt.example; none", true},
        {" other.example\x01; none", true},
        {" other.example \x1f; none", true},
        {" other.example \x7f; none", true},
        {" (\x01) other.example; none", true},
        {" (\x7f) other.example; none", true},
        {" \"other.example\x01\"; none", true},
        {" \"other.example\x7f\"; none", true},
        {" \"other.example\\", true},
        {" (other\\", true},
        {" ) other.example; none", true},
        {" (((((((((((((((((((((x))))))))))))))))))))) other.example; none", true},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (moon_authres_is_ours(moon_span_of(cases[i].value), "mx.rcpt.example") != cases[i].ours)
            fail_msg("%s: want %s", cases[i].value, cases[i].ours ? "ours" : "another's");
}

static void a_name_that_is_too_long_is_cut(void **state)
{
    char name[MOON_AUTHRES_ID_SIZE + 2], id[MOON_AUTHRES_ID_SIZE];
    (void)state; /* cmocka's, not used */
    memset(name, 'a', sizeof name);
    for (size_t n = MOON_AUTHRES_ID_SIZE - 2; n < sizeof name; n++) {
        size_t want = n < MOON_AUTHRES_ID_SIZE ? n : MOON_AUTHRES_ID_SIZE - 1;
        memset(id, 'x', sizeof id);
        assert_true(moon_authres_read_id((struct moon_span){name, n}, id));
        assert_int_equal(strlen(id), want);
        assert_false(moon_authres_is_ours((struct moon_span){name, n}, "mx.rcpt.example"));
    }
}

/* What cannot be read has no name at all. */
static void a_field_that_cannot_be_read_gives_no_name(void **state)
{
    char id[MOON_AUTHRES_ID_SIZE];
    (void)state; /* cmocka's, not used */
    assert_false(moon_authres_read_id(MOON_SPAN(" other.example spf=pass"), id));
    assert_string_equal(id, "");
    assert_false(moon_authres_read_id(MOON_SPAN(" (\0) Other.example; none"), id));
    assert_true(moon_authres_read_id(MOON_SPAN(" Other.example.. 2; none"), id));
    assert_string_equal(id, "Other.example");
    /* RFC 5322 section 4.1: an obsolete quoted pair may hold any byte; here only in a comment */
    assert_true(moon_authres_read_id(MOON_SPAN(" (\\\0) Other.example; none"), id));
    assert_string_equal(id, "Other.example");
}

/* RFC 2045 section 5.1 */
static void knows_the_bytes_of_a_token(void **state)
{
    (void)state; /* cmocka's, not used */
    for (int c = 0; c < 256; c++) {
        bool want = c > 32 && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c);
        assert_int_equal(moon_authres_is_token((char)c), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_fields_in_our_name),
        cmocka_unit_test(a_name_that_is_too_long_is_cut),
        cmocka_unit_test(a_field_that_cannot_be_read_gives_no_name),
        cmocka_unit_test(knows_the_bytes_of_a_token),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
