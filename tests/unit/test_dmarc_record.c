/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dmarc_record.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/auth/dmarc_record.h"
#include "engine/base/limits.h"
#include "tests/support/arena_case.h"

static struct moon_dmarc_record parse(const char *text)
{
    struct moon_dmarc_record record;
    bool is_dmarc = false;
    assert_int_equal(moon_dmarc_record_parse(arena, moon_span_of(text), &record, &is_dmarc),
                     MOON_OK);
    if (!is_dmarc)
        fail_msg("%s: got no DMARC record, want one", text);
    return record;
}

/* RFC 9989 section 4.7, v: "MUST be the first tag"; "case sensitive"; else "the entire record MUST
 * be ignored" */
static void ignores_records_without_the_version_in_front(void **state)
{
    static const char *const cases[] = {
        "",
        "v=DMARC",
        "v=DMARC1 p=none",
        "v=DMARC10; p=none",
        "v=DMARC1,p=none",
        "v=dmarc1; p=none",
        "v=Dmarc1; p=none",
        "p=none; v=DMARC1",
        "; v=DMARC1; p=none",
        " v=DMARC1; p=none",
        "\"v=DMARC1; p=none\"",
        "V=DMARC1; p=none",
        "v=spf1 -all",
        "v DMARC1",
        "v==DMARC1",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_dmarc_record record;
        bool is_dmarc = true;
        assert_int_equal(moon_dmarc_record_parse(arena, moon_span_of(cases[i]), &record, &is_dmarc),
                         MOON_OK);
        if (is_dmarc)
            fail_msg("%s: got a DMARC record, want none", cases[i]);
    }
}

/* RFC 9989 section 4.8 */
static void takes_white_space_around_tags(void **state)
{
    struct moon_dmarc_record record = parse("v \t= DMARC1\t ;  p\t=  Reject ;sp=NONE; ; t = Y;");
    (void)state; /* cmocka's, not used */
    assert_int_equal(record.p, MOON_DMARC_POLICY_REJECT);
    assert_int_equal(record.sp, MOON_DMARC_POLICY_NONE);
    assert_true(record.testing);
    assert_true(record.usable);
    assert_null(record.error);
}

static void has_the_defaults_of_the_rfc(void **state)
{
    struct moon_dmarc_record record = parse("v=DMARC1; p=none");
    (void)state; /* cmocka's, not used */
    assert_int_equal(record.adkim, 'r');
    assert_int_equal(record.aspf, 'r');
    assert_int_equal(record.psd, 'u');
    assert_false(record.testing);
    assert_int_equal(record.pct, 100);
    assert_int_equal(record.sp, MOON_DMARC_POLICY_ABSENT);
    assert_false(record.reports);
    assert_string_equal(record.text, "v=DMARC1; p=none");
    assert_int_equal(record.tag_count, 2);
    assert_string_equal(record.tags[1].name, "p");
    assert_string_equal(record.tags[1].value, "none");
}

static void reads_pct_up_to_100(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_dmarc_record record = parse("v=DMARC1; p=none; pct=100");
    assert_int_equal(record.pct, 100);
    assert_null(record.error);
    record = parse("v=DMARC1; p=none; pct=0");
    assert_int_equal(record.pct, 0);
    assert_null(record.error);
    assert_non_null(parse("v=DMARC1; p=none; pct=101").error);
}

/* RFC 9989 section 4.8: "Unknown tags MUST be ignored", syntax errors "discarded in favor of
 * default values (if any) or ignored outright" */
static void passes_over_what_is_ill_formed_behind_the_version(void **state)
{
    static const char *const cases[] = {
        "v=DMARC1; p=reject; adkim=x; aspf=; psd=maybe; t=1; pct=101; fo=q",
        "v=DMARC1; foo=bar; x1_y=z; p=reject; rubbish; =; =x; a b=c",
        "v=DMARC1; p=reject; p=none; adkim=r; adkim=s; v=DMARC2",
        "v=DMARC1; P=none; p=reject\t; \xff\x01; rua=nobody",
        "v=DMARC1;p=reject;;;",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_dmarc_record record = parse(cases[i]);
        if (record.p != MOON_DMARC_POLICY_REJECT || !record.usable)
            fail_msg("%s: want a usable p=reject", cases[i]);
        assert_int_equal(record.adkim, 'r');
        assert_int_equal(record.psd, 'u');
        assert_false(record.testing);
        assert_int_equal(record.pct, 100);
    }
    assert_string_equal(parse(cases[0]).error, "ill-formed adkim; ill-formed aspf; ill-formed psd; "
                                               "ill-formed t; ill-formed pct");
    assert_string_equal(parse(cases[2]).error, "a second p; a second adkim; ill-formed v");
    assert_string_equal(parse("v=DMARC1; p=none; -x=y; a=").error, "a tag without name or value ");
    assert_string_equal(parse("v=DMARC1; p=none; =y; a").error,
                        "a tag without name or value ; a tag without name or value a");
    assert_string_equal(parse("v=DMARC1; p=none; abcdefghijklmnopqrstuvwxyz").error,
                        "a tag without name or value abcdefghijklmnopqrst");
    assert_string_equal(parse("v=DMARC1; p=none; abcdefghijklmnopqrs ;").error,
                        "a tag without name or value abcdefghijklmnopqrs");
    assert_string_equal(parse("v=DMARC1; p=none; rua=nobody").error, "ill-formed rua");
    assert_null(parse("v=DMARC1; p=none; rua=mailto:a@b.example").error);
}

/* RFC 9989 section 4.10.1 */
static void is_unusable_without_valid_policies(void **state)
{
    static const char *const cases[] = {
        "v=DMARC1",
        "v=DMARC1;",
        "v=DMARC1; p=",
        "v=DMARC1; p=monitor",
        "v=DMARC1; p=reject none",
        "v=DMARC1; p=reject; sp=maybe",
        "v=DMARC1; p=reject; np=",
        "v=DMARC1; sp=reject",
        "v=DMARC1; p=\nnone",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (parse(cases[i]).usable)
            fail_msg("%s: want it unusable", cases[i]);
}

/* RFC 9989 sections 4.7 (rua) and 4.8 */
static void knows_valid_reporting_uris(void **state)
{
    static const struct {
        const char *uri;
        bool valid;
    } cases[] = {
        {"mailto:dmarc@example.com", true},
        {"MAILTO:dmarc@example.com", true},
        {" mailto:dmarc@example.com!10m ", true},
        {"mailto:dmarc@example.com!50", true},
        {"mailto:a%2Cb%21@example.com", true},
        {"mailto:a%20%02@example.com", true},
        {"mailto:a@b", true},
        {"mailto:a@b!1k", true},
        {"mailto:a@b!1K", true},
        {"mailto:a@b!1g", true},
        {"mailto:a@b!1t", true},
        {"a:x", true},
        {"a1+-.:x", true},
        {"a_b:x", false},
        {"a:", false},
        {"mailto:a@b!", false},
        {"mailto:a@b!m", false},
        {"mailto:a@b!1kk", false},
        {"mailto:a@b!x5", false},
        {"mailto:a?x@b.example", false},
        {"mailto:a%2g@b", false},
        {"mailto:a%g2@b", false},
        {"mailto:a@b%", false},
        {"mailto:a@b%2", false},
        {"mailto:a@b%20", true},
        {"mailto:a@example.com?subject=x", true},
        {"https://example.com/dmarc", true},
        {"mailto:dmarc", false},
        {"mailto:@example.com", false},
        {"mailto:a@", false},
        {"mailto:", false},
        {"dmarc@example.com", false},
        {":x", false},
        {"1a:x", false},
        {"mailto:a@example.com!10x", false},
        {"mailto:a!b@example.com", false},
        {"mailto:a b@example.com", false},
        {"mailto:a%2@example.com", false},
        {"mailto:\xc3\xa9@example.com", false},
        {"", false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (moon_dmarc_uri_valid(moon_span_of(cases[i].uri)) != cases[i].valid)
            fail_msg("%s: want %s", cases[i].uri, cases[i].valid ? "valid" : "not valid");
    assert_false(moon_dmarc_uri_valid(MOON_SPAN("mailto:a\0@b.example")));
    assert_false(moon_dmarc_uri_valid(MOON_SPAN("mailto:a@b.example!1\0")));
    assert_true(parse("v=DMARC1; rua=rubbish, mailto:a@b.example!10m").reports);
    assert_false(parse("v=DMARC1; rua=rubbish,,mailto:").reports);
}

static void a_record_that_is_too_long_is_unusable(void **state)
{
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, arena);
    moon_str_add(&str, "v=DMARC1;p=reject; rua=mailto:a@b.example;");
    while (str.length <= MOON_DMARC_RECORD_MAX)
        moon_str_add(&str, "x=y;");
    struct moon_dmarc_record record = parse(moon_str_end(&str));
    assert_false(record.usable);
    assert_false(record.reports);
    assert_string_equal(record.error, "longer than 4096 bytes");
}

static void a_record_of_the_longest_length_is_read_and_shown(void **state)
{
    char text[MOON_DMARC_RECORD_MAX + 2] = "v=DMARC1; p=reject; x=";
    (void)state; /* cmocka's, not used */
    memset(text + strlen(text), 'x', MOON_DMARC_RECORD_MAX - strlen(text));
    struct moon_dmarc_record record = parse(text);
    assert_true(record.usable);
    assert_null(record.error);
    assert_string_equal(record.text, text);
    text[MOON_DMARC_RECORD_MAX] = 'y';
    record = parse(text);
    assert_false(record.usable);
    assert_int_equal(strlen(record.text), MOON_DMARC_RECORD_MAX);
    assert_int_equal(record.text[MOON_DMARC_RECORD_MAX - 1], 'x');
}

static void says_what_is_wrong_in_a_bounded_text(void **state)
{
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, arena);
    moon_str_add(&str, "v=DMARC1; p=none");
    for (size_t i = 0; i < 100; i++)
        moon_str_add(&str, "; p=none");
    size_t length = strlen(parse(moon_str_end(&str)).error);
    /* "; a second p" is 12 bytes; nothing is added to more than 200 */
    assert_int_equal(length, 17 * strlen("; a second p") - 2);
    for (size_t n = 4; n <= 5; n++) {
        moon_str_begin(&str, arena);
        moon_str_addf(&str, "v=DMARC1; p=none; %.*s", (int)n, "abcde"); /* 28 + n bytes */
        for (size_t i = 0; i < 100; i++)
            moon_str_add(&str, "; p=none");
        length = strlen(parse(moon_str_end(&str)).error);
        assert_int_equal(length, n == 4 ? 200 + 12 : 201);
    }
}

static void keeps_a_limited_number_of_tags(void **state)
{
    struct moon_str str;
    (void)state; /* cmocka's, not used */
    moon_str_begin(&str, arena);
    moon_str_add(&str, "v=DMARC1;");
    for (size_t i = 0; i < 200; i++)
        moon_str_add(&str, "x=y;");
    moon_str_add(&str, "p=reject");
    struct moon_dmarc_record record = parse(moon_str_end(&str));
    assert_int_equal(record.tag_count, MOON_DMARC_TAGS_MAX);
    assert_int_equal(record.p, MOON_DMARC_POLICY_REJECT);
}

static void shows_only_printable_ascii(void **state)
{
    struct moon_dmarc_record record = parse("v=DMARC1; p=none; x=a\r\nb\xc3\xa9~ \x7f\tz");
    (void)state; /* cmocka's, not used */
    assert_string_equal(record.text, "v=DMARC1; p=none; x=a??b??~ ? z");
    assert_string_equal(record.tags[2].value, "a??b??~ ? z");
    record = parse("v=DMARC1; p=none; x=\x1f\x7f y");
    assert_string_equal(record.tags[2].value, "?? y");
}

static void says_when_memory_runs_out(void **state)
{
    static const struct {
        const char *text;
        size_t tags;
        const char *error;
    } rows[] = {
        {"v=DMARC1; p=none; p=x; y=z; rubbish", 4,
         "a second p; a tag without name or value rubbish"},
        {"v=DMARC1; p=none; a=1; b=2; c=3", 5, NULL}, /* the array grows for the last one */
    };
    (void)state; /* cmocka's, not used */
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct moon_dmarc_record record;
        bool is_dmarc;
        enum moon_status status = MOON_ENOMEM;
        for (size_t n = 1; status == MOON_ENOMEM; n++) {
            assert_true(n < 1000);
            moon_arena_fail_at(arena, n);
            status =
                moon_dmarc_record_parse(arena, moon_span_of(rows[row].text), &record, &is_dmarc);
            assert_true(n > 1 || status == MOON_ENOMEM);
        }
        moon_arena_fail_at(arena, 0);
        assert_int_equal(record.tag_count, rows[row].tags);
        for (size_t i = 0; i < record.tag_count; i++)
            assert_true(record.tags && record.tags[i].name && record.tags[i].value);
        assert_string_equal(record.error ? record.error : "none",
                            rows[row].error ? rows[row].error : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ignores_records_without_the_version_in_front, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(takes_white_space_around_tags, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(has_the_defaults_of_the_rfc, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(reads_pct_up_to_100, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(passes_over_what_is_ill_formed_behind_the_version,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(is_unusable_without_valid_policies, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(knows_valid_reporting_uris, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_record_that_is_too_long_is_unusable, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(a_record_of_the_longest_length_is_read_and_shown,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_in_a_bounded_text, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(keeps_a_limited_number_of_tags, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(shows_only_printable_ascii, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
