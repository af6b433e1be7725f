/* SPDX-License-Identifier: MIT
 *
 * What the module lets into Exim, and what it takes out of Exim's header chain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "local_scan/clean.h"

static void a_reply_has_an_enhanced_code_on_each_line(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        enum moon_wire_verdict verdict;
        const char *want;
    } table[] = {
        {"5.7.1 No", MOON_WIRE_REJECT, "5.7.1 No"},
        {"5.7.1 No\n5.7.1 Never", MOON_WIRE_REJECT, "5.7.1 No\n5.7.1 Never"},
        {"No", MOON_WIRE_REJECT, "5.7.1 No"},
        {"Later", MOON_WIRE_DEFER, "4.7.1 Later"},
        {"5.7.515 No\nreally", MOON_WIRE_REJECT, "5.7.515 No\n5.7.515 really"},
        {"2.0.0 fine", MOON_WIRE_REJECT, "5.7.1 fine"},
        {"5.7.1 No", MOON_WIRE_DEFER, "4.7.1 No"},
        {"4.7.0 Later", MOON_WIRE_DEFER, "4.7.0 Later"},
        {"5.7 No", MOON_WIRE_REJECT, "5.7.1 5.7 No"},
        {"5.7.1234 No", MOON_WIRE_REJECT, "5.7.1 5.7.1234 No"},
        {"5.7.1x No", MOON_WIRE_REJECT, "5.7.1 5.7.1x No"},
        {"550 5.7.1 No", MOON_WIRE_REJECT, "5.7.1 550 5.7.1 No"},
        {"", MOON_WIRE_REJECT, "5.7.1 Message not accepted"},
        {"\n \n\t\r\n", MOON_WIRE_DEFER, "4.7.1 Message not accepted now"},
        {"5.7.1", MOON_WIRE_REJECT, "5.7.1 Message not accepted"},
        {"5.7.1 a\n\n\n5.7.1 b", MOON_WIRE_REJECT, "5.7.1 a\n5.7.1 b"},
        {"5.7.1 a\r\n250 ok\r\n", MOON_WIRE_REJECT, "5.7.1 a\n5.7.1 250 ok"},
        {"5.7.1 a\001b\tc\xc3\xa9", MOON_WIRE_REJECT, "5.7.1 a?b?c??"},
        {"1\n2\n3\n4\n5\n6\n7", MOON_WIRE_REJECT, "5.7.1 1\n5.7.1 2\n5.7.1 3\n5.7.1 4\n5.7.1 5"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char got[MOON_CLEAN_REPLY_BYTES];
        moon_clean_reply(moon_span_of(table[i].reply), table[i].verdict, got);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("row %zu: got \"%s\", want \"%s\"", i, got, table[i].want);
    }
}

static void the_longest_reply_fits(void **state)
{
    (void)state;
    size_t n = 100000;
    char *reply = malloc(n), *got = malloc(MOON_CLEAN_REPLY_BYTES);
    assert_non_null(reply);
    assert_non_null(got);
    memset(reply, 'x', n);
    for (size_t i = 1; i < 20; i++)
        reply[i * 2000] = '\n';
    moon_clean_reply((struct moon_span){reply, n}, MOON_WIRE_REJECT, got);
    assert_int_equal(strlen(got), MOON_REPLY_LINES_MAX * (MOON_REPLY_LINE_MAX + 1) - 1);
    struct moon_buf buf = moon_buf_of(moon_span_of(got));
    for (size_t i = 0; i < MOON_REPLY_LINES_MAX; i++) {
        assert_int_equal(moon_buf_until(&buf, '\n').n, MOON_REPLY_LINE_MAX);
        (void)moon_buf_skip(&buf, '\n');
    }
    free(reply);
    free(got);
}

static void a_line_is_printable_and_cut(void **state)
{
    (void)state;
    char got[8];
    moon_clean_line(MOON_SPAN("a\nb\0c\x80"), got, sizeof got);
    assert_string_equal(got, "a?b?c?");
    moon_clean_line(MOON_SPAN("123456789"), got, sizeof got);
    assert_string_equal(got, "1234567");
    moon_clean_line(MOON_SPAN("1234567"), got, sizeof got);
    assert_string_equal(got, "1234567");
    moon_clean_line((struct moon_span){NULL, 0}, got, sizeof got);
    assert_string_equal(got, "");
}

static void a_field_must_be_one_that_the_spool_bears(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        bool want;
    } table[] = {
#define ROW(text, want) {text, sizeof text - 1, want}
        ROW("X: y", true),
        ROW("X:", true),
        ROW("X: y\n z", true),
        ROW("X: y\n\tz\n a", true),
        ROW("X:\n y", true),
        ROW("X: caf\xc3\xa9", true),
        ROW("", false),
        ROW("X", false),
        ROW(": y", false),
        ROW("X Y: z", false),
        ROW(" X: y", false),
        ROW("X : y", false),
        ROW("X\n: y", false),
        ROW("X: y\n", false),
        ROW("X: y\n\n z", false),
        ROW("X: y\n \n z", false),
        ROW("X: y\n z\n ", false),
        ROW("X: y\nZ: a", false),
        ROW("X: y\r\n z", false),
        ROW("X: y\0z", false),
        ROW("X: \x7f", false),
        ROW("X: \x1b[2J", false),
#undef ROW
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool got = moon_clean_field_ok((struct moon_span){table[i].text, table[i].n});
        if (got != table[i].want)
            fail_msg("\"%s\": got %d, want %d", table[i].text, got, table[i].want);
    }
}

static void a_field_must_be_within_the_limits(void **state)
{
    (void)state;
    char *text = malloc(MOON_FIELD_BYTES_MAX + 2);
    assert_non_null(text);
    memset(text, 'x', MOON_FIELD_BYTES_MAX + 2);
    text[1] = ':';
    assert_true(moon_clean_field_ok((struct moon_span){text, MOON_FIELD_LINE_MAX}));
    assert_false(moon_clean_field_ok((struct moon_span){text, MOON_FIELD_LINE_MAX + 1}));
    for (size_t i = 900; i + 1 < MOON_FIELD_BYTES_MAX; i += 900)
        memcpy(text + i, "\n ", 2);
    assert_true(moon_clean_field_ok((struct moon_span){text, MOON_FIELD_BYTES_MAX}));
    assert_false(moon_clean_field_ok((struct moon_span){text, MOON_FIELD_BYTES_MAX + 1}));
    free(text);
}

#define CHAIN_MAX 8

/* Fields as "type name", the result as the letters of those left; then of the handles. */
static void the_chain_is_what_was_on_the_wire(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *chain[CHAIN_MAX];
        const char *want, *handles;
    } table[] = {
        {"an empty chain", {NULL}, "", ""},
        {"our own Received", {"PReceived: us", "PReceived: them", " A: b"}, "bc", "bc"},
        {"our own Received, deleted", {"*Received: us", "PReceived: them"}, "b", "b"},
        {"a field above our own Received", {" X: a", "PReceived: us", "FFrom: a"}, "ac", "ac"},
        {"a deleted field", {"PReceived: us", "*Return-Path: x", " A: b"}, "bc", "bc"},
        {"a rewritten From", {"PReceived: us", "*From: a", "FFrom: b", " X: c"}, "bd", "cd"},
        {"a rewritten From, in other letters",
         {"PRECEIVED : us", "*FROM : a", "Ffrom: b"},
         "b",
         "c"},
        {"two rewritten To", {"*To: a", "TTo: b", "*To: c", "TTo: d"}, "ac", "bd"},
        {"a rewritten To before another To", {"*To: a", "TTo: b", "TTo: c"}, "ac", "bc"},
        {"a rewritten Resent-Reply-To", {"*Resent-Reply-To: a", " Resent-Reply-To: b"}, "a", "b"},
        {"a deleted From and another deleted", {"*From: a", "*From: b"}, "ab", "ab"},
        {"a field that is never rewritten", {"*Subject: a", " Subject: b"}, "ab", "ab"},
        {"the same name, not adjacent", {"*From: a", " X: b", "FFrom: c"}, "abc", "abc"},
        {"Resent-From is not From", {"*Resent-From: a", "FFrom: b"}, "ab", "ab"},
        {"no colon at all", {"*garbage", " garbage"}, "ab", "ab"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_wire_field fields[CHAIN_MAX];
        void *handles[CHAIN_MAX];
        char letters[CHAIN_MAX], got[CHAIN_MAX + 1] = "", got_handles[CHAIN_MAX + 1] = "";
        uint32_t count = 0;

        while (count < CHAIN_MAX && table[i].chain[count]) {
            letters[count] = (char)('a' + count);
            handles[count] = &letters[count];
            fields[count].type = table[i].chain[count][0];
            fields[count].text = moon_span_of(table[i].chain[count] + 1);
            count++;
        }
        uint32_t left = moon_clean_chain(fields, handles, count);
        for (uint32_t k = 0; k < left; k++) {
            for (uint32_t was = 0; was < count; was++)
                if (fields[k].text.p == table[i].chain[was] + 1)
                    got[k] = (char)('a' + was);
            got_handles[k] = *(char *)handles[k];
        }
        if (strcmp(got, table[i].want) != 0 || strcmp(got_handles, table[i].handles) != 0)
            fail_msg("%s: got %s %s, want %s %s", table[i].what, got, got_handles, table[i].want,
                     table[i].handles);
    }
}

static void a_rewritten_field_is_no_deleted_one(void **state)
{
    (void)state;
    struct moon_wire_field fields[] = {
        {'*', MOON_SPAN("From: a")}, {'F', MOON_SPAN("From: b")}, {'*', MOON_SPAN("Sender: c")}};
    void *handles[] = {&fields[0], &fields[1], &fields[2]};

    assert_int_equal(moon_clean_chain(fields, handles, 3), 2);
    assert_int_equal(fields[0].type, 'F');
    assert_true(moon_span_is(fields[0].text, "From: a"));
    assert_int_equal(fields[1].type, '*');
}

static void knows_the_fields_that_only_we_may_write(void **state)
{
    static const struct {
        struct moon_span text;
        bool want;
    } table[] = {
        {MOON_SPAN("Authentication-Results: x\n"), true},
        {MOON_SPAN("AUTHENTICATION-results\n : x\n"), true},
        {MOON_SPAN("Authentication-Results\v: x\n"), true},
        {MOON_SPAN("x-moonscan-anything \t: x\n"), true},
        {MOON_SPAN("ARC-Authentication-Results: x\n"), false},
        {MOON_SPAN("X-Moonscan: x\n"), false},
        {MOON_SPAN("Subject: Authentication-Results: x\n"), false},
        {MOON_SPAN(""), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (moon_clean_is_claim(table[i].text) != table[i].want)
            fail_msg("row %zu: want %d", i, table[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_fields_that_only_we_may_write),
        cmocka_unit_test(a_reply_has_an_enhanced_code_on_each_line),
        cmocka_unit_test(the_longest_reply_fits),
        cmocka_unit_test(a_line_is_printable_and_cut),
        cmocka_unit_test(a_field_must_be_one_that_the_spool_bears),
        cmocka_unit_test(a_field_must_be_within_the_limits),
        cmocka_unit_test(the_chain_is_what_was_on_the_wire),
        cmocka_unit_test(a_rewritten_field_is_no_deleted_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
