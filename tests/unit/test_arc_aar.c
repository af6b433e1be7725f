/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/arc_aar.c. Wanted results are written "method=result[reason]{name=value}".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/arc_aar.h"
#include "engine/auth/authres_id.h"
#include "engine/base/limits.h"
#include "tests/support/arena_case.h"

static const char *shown(const struct moon_aar *aar)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    moon_str_addf(&str, "%u %s", aar->instance, aar->authserv_id ? aar->authserv_id : "-");
    for (size_t i = 0; i < aar->result_count; i++) {
        const struct moon_arc_result *r = &aar->results[i];
        moon_str_addf(&str, " %s=%s", r->method, r->result);
        if (r->reason)
            moon_str_addf(&str, "[%s]", r->reason);
        for (size_t k = 0; k < r->property_count; k++)
            moon_str_addf(&str, "{%s=%s}", r->properties[k].name, r->properties[k].value);
    }
    return moon_str_end(&str);
}

struct row {
    const char *value, *want;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moon_aar aar;
        assert_int_equal(moon_aar_parse(arena, moon_span_of(rows[i].value), &aar), MOON_OK);
        const char *got = shown(&aar);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].value, got, rows[i].want);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

/* RFC 8617 sections 3.9 and 4.1.1 */
static void the_instance_comes_first(void **state)
{
    static const struct row rows[] = {
        {"i=1; mx.example; none", "1 mx.example"},
        {" (x) i (y) = (z) 50 (w) ; mx.example", "50 mx.example"},
        {"\r\n\ti=02;\r\n\tmx.example 1; none", "2 mx.example"},
        {"i=51; mx.example; none", "0 -"},
        {"i=0; mx.example; none", "0 -"},
        {"i=001; mx.example; none", "0 -"},
        {"I=1; mx.example; none", "0 -"},
        {"i=1 mx.example; none", "0 -"},
        {"i=1", "0 -"},
        {"i=; mx.example", "0 -"},
        {"mx.example; i=1; none", "0 -"},
        {"mx.example; none", "0 -"},
        {"(i=1; mx.example", "0 -"},
        {"", "0 -"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8617 section 3.4: what the rest says does not matter to the chain. */
static void without_an_authserv_id_there_are_no_results(void **state)
{
    static const struct row rows[] = {
        {"i=1;", "1 -"},
        {"i=1; ; spf=pass", "1 -"},
        {"i=1; (open; spf=pass", "1 -"},
        {"i=1; two words; spf=pass", "1 -"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* RFC 8601 section 2.2 */
static void reads_methods_reasons_and_properties(void **state)
{
    static const struct row rows[] = {
        {"i=1; mx.example; spf=pass", "1 mx.example spf=pass"},
        {"i=1; \"mx.example\" 1;SPF = Pass ;DKIM/1=fail", "1 mx.example spf=pass dkim=fail"},
        {"i=1; mx; spf=pass (a (nested) comment; with=semicolon) smtp.mailfrom=a@b.example",
         "1 mx spf=pass{smtp.mailfrom=a@b.example}"},
        {"i=1; mx; dkim=fail reason=\"body hash; \\\"x\\\"\" header.d=a.example header.b=abc/+=",
         "1 mx dkim=fail[body hash; \"x\"]{header.d=a.example}{header.b=abc/+=}"},
        {"i=1; mx; dkim=fail reason=\"a\\\"; b\" header.d=x.example",
         "1 mx dkim=fail[a\"; b]{header.d=x.example}"},
        {"i=1; mx;\r\n\tdmarc=pass\r\n\t (p=REJECT) Header . From\r\n\t= A.example;",
         "1 mx dmarc=pass{header.from=A.example}"},
        {"i=1; mx; spf=pass smtp.mailfrom=\"a b\"@c.example smtp.remote-ip=2001:db8::1",
         "1 mx spf=pass{smtp.mailfrom=a b@c.example}{smtp.remote-ip=2001:db8::1}"},
        {"i=1; mx; dmarc=fail action=none header.from=a.example",
         "1 mx dmarc=fail{action=none}{header.from=a.example}"},
        {"i=1; mx; spf=fail reason=\"a\r\n\tb\" x.y=z", "1 mx spf=fail[a\tb]{x.y=z}"},
        {"i=1; mx; none; spf=pass", "1 mx spf=pass"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

/* Words of strangers in a sealer's field. */
static void a_result_that_is_not_well_formed_is_left_out_as_a_whole(void **state)
{
    static const struct row rows[] = {
        {"i=1; mx; dmarc=pass header.i.x=1; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass value.x=1=2 y; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass header.from; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass header.; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc/=pass; dmarc/x=pass; dmarc/; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; (open", "1 mx"},
        {"i=1; mx; dmarc=pass header.from=; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass .from=x; =pass; dmarc; dmarc=; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass header.from=\"x\"y\\; spf=fail", "1 mx spf=fail"},
        {"i=1; mx; dmarc=pass(c)header.from=x; dkim=pass\"q\"; spf=fail",
         "1 mx dmarc=pass{header.from=x} spf=fail"},
        {"i=1; mx; spf=fail smtp.mailfrom=\"; dmarc=pass header.from=x", "1 mx"},
        {"i=1; mx; spf=fail smtp.mailfrom=\"; dmarc=pass\"@x", "1 mx spf=fail{smtp.mailfrom=; "
                                                               "dmarc=pass@x}"},
        {"i=1; mx; spf=fail (; dmarc=pass", "1 mx"},
        {"i=1; mx; spf=fail smtp.mailfrom=a@b) ; dmarc=pass", "1 mx dmarc=pass"},
        {"i=1; mx; spf=fail smtp.mailfrom=\"a\001b\"; dmarc=pass", "1 mx dmarc=pass"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void the_first_of_two_equal_properties_counts(void **state)
{
    static const struct row rows[] = {
        {"i=1; mx; dmarc=pass header.from=a header.from=b reason=x reason=y",
         "1 mx dmarc=pass[x]{header.from=a}"},
        {"i=1; mx; dmarc=fail; dmarc=pass", "1 mx dmarc=fail dmarc=pass"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static const char *repeated(const char *head, const char *piece, size_t times)
{
    struct moon_str str;
    moon_str_begin(&str, arena);
    moon_str_add(&str, head);
    for (size_t i = 0; i < times; i++)
        moon_str_addf(&str, piece, (unsigned)i);
    return moon_str_end(&str);
}

static void keeps_to_its_limits(void **state)
{
    struct moon_aar aar;
    static const struct {
        const char *head, *piece;
        size_t times, want;
    } rows[] = {
        {"i=1; mx", "; spf=pass a.b=%u", MOON_ARC_RESULTS_MAX + 10, MOON_ARC_RESULTS_MAX},
        {"i=1; mx; spf=pass", " a.b%u=1", MOON_ARC_PROPERTIES_MAX, 1},
        {"i=1; mx; spf=pass", " a.b%u=1", MOON_ARC_PROPERTIES_MAX + 1, 0},
        {"i=1; mx; spf=pass a.b=", "%04u", MOON_ARC_VALUE_MAX / 4, 1},
        {"i=1; mx; spf=pass a.b=x", "%04u", MOON_ARC_VALUE_MAX / 4, 0},
        {"i=1; mx; spf=pass", "(%04u)", MOON_SIG_BYTES_MAX / 6, 0},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = repeated(rows[i].head, rows[i].piece, rows[i].times);
        assert_int_equal(moon_aar_parse(arena, moon_span_of(value), &aar), MOON_OK);
        assert_int_equal(aar.instance, 1);
        if (aar.result_count != rows[i].want)
            fail_msg("row %zu: got %zu results, want %zu", i, aar.result_count, rows[i].want);
    }
}

static void its_limits_are_exact(void **state)
{
    static const char begin[] = "i=1; mx; spf=pass (", end[] = ")";
    struct moon_aar aar;
    (void)state; /* cmocka's, not used */
    for (size_t more = 0; more < 2; more++) {
        const char *word = repeated("", "a", MOON_LABEL_MAX + more);
        const char *value =
            moon_arena_printf(arena, "i=1; mx; %s=%s %s.%s=x", word, word, word, word);
        assert_int_equal(moon_aar_parse(arena, moon_span_of(value), &aar), MOON_OK);
        assert_int_equal(aar.result_count, 1 - more);
        value = moon_arena_printf(arena, "i=1; mx; spf=pass %sa b=c", word);
        assert_int_equal(moon_aar_parse(arena, moon_span_of(value), &aar), MOON_OK);
        assert_int_equal(aar.result_count, 0);
        size_t n = MOON_SIG_BYTES_MAX - (sizeof begin - 1) - (sizeof end - 1) + more;
        value = moon_arena_printf(arena, "%s%s", repeated(begin, "a", n), end);
        assert_int_equal(moon_aar_parse(arena, moon_span_of(value), &aar), MOON_OK);
        assert_int_equal(aar.result_count, 1 - more);
    }
}

static void a_long_authserv_id_is_cut(void **state)
{
    struct moon_aar aar;
    (void)state; /* cmocka's, not used */
    const char *value = moon_arena_printf(arena, "i=1; %s; spf=pass", repeated("", "a", 1000));
    assert_int_equal(moon_aar_parse(arena, moon_span_of(value), &aar), MOON_OK);
    assert_int_equal(strlen(aar.authserv_id), MOON_AUTHRES_ID_SIZE - 1);
    assert_int_equal(aar.result_count, 1);
}

static void takes_visible_characters_and_white_space_in_quotes(void **state)
{
    static const struct row rows[] = {
        {"i=1; mx; a=b c=!~\xc3\xa4\x80", "1 mx a=b{c=!~\xc3\xa4\x80}"},
        {"i=1; mx; a_1-2=b_c d_e.f_g=<#x>", "1 mx a_1-2=b_c{d_e.f_g=<#x>}"},
        {"i=1; mx; a=b c=x(y) d=e", "1 mx a=b{c=x}{d=e}"},
        {"i=1; mx; a=b c=x\"y z\"w", "1 mx a=b{c=xy zw}"},
        {"i=1; mx; a=b c=x\x7f; d=e", "1 mx d=e"},
        {"i=1; mx; a=b c=x\x1f; d=e", "1 mx d=e"},
        {"i=1; mx; a=b c=\"x\x1f\"; d=e", "1 mx d=e"},
        {"i=1; mx; a=b c=\"\t !\xc3\xa4\"; d=e", "1 mx a=b{c=\t !\xc3\xa4} d=e"},
        {"i=1; mx; a=b c=\"x\\", "1 mx"},
        {"i=1; mx; a=b c=\"", "1 mx"},
        {"i=1; mx; a=b c=\"\"; d=e", "1 mx a=b{c=} d=e"},
        {"i=1; mx; a=b c=x\"; d=e\\", "1 mx"},
    };
    (void)state; /* cmocka's, not used */
    CHECK(rows);
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_aar aar;
    enum moon_status status = MOON_ENOMEM;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; status == MOON_ENOMEM; n++) {
        assert_true(n < 1000);
        moon_arena_fail_at(arena, n);
        status = moon_aar_parse(arena,
                                MOON_SPAN("i=1; mx; spf=pass reason=x smtp.helo=\"a\"; "
                                          "dkim=pass header.d=a header.s=b; dmarc=fail; "
                                          "arc=pass a=b c=d e.f=g"),
                                &aar);
        assert_true(n > 1 || status == MOON_ENOMEM);
    }
    moon_arena_fail_at(arena, 0);
    assert_int_equal(aar.result_count, 4);
    assert_int_equal(aar.results[3].property_count, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_instance_comes_first),
        CASE(without_an_authserv_id_there_are_no_results),
        CASE(reads_methods_reasons_and_properties),
        CASE(a_result_that_is_not_well_formed_is_left_out_as_a_whole),
        CASE(the_first_of_two_equal_properties_counts),
        CASE(keeps_to_its_limits),
        CASE(its_limits_are_exact),
        CASE(a_long_authserv_id_is_cut),
        CASE(takes_visible_characters_and_white_space_in_quotes),
        CASE(says_when_memory_runs_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
