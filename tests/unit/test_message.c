/* SPDX-License-Identifier: MIT
 *
 * Header fields out of text, and finding them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/message/message.h"
#include "tests/support/arena_case.h"

static void assert_span(struct moon_span got, const char *want)
{
    if (!moon_span_is(got, want))
        fail_msg("got '%.*s', want '%s'", (int)got.n, got.p ? got.p : "", want);
}

/* The text in memory of exactly its size. */
static struct moon_message parsed(struct moon_span text)
{
    struct moon_message msg = {.id = "kept"};
    struct moon_error error;
    char *exact = moon_arena_alloc(arena, text.n);
    assert_non_null(exact);
    if (text.n)
        memcpy(exact, text.p, text.n);
    assert_int_equal(moon_message_parse(arena, (struct moon_span){exact, text.n}, &msg, &error),
                     MOON_OK);
    assert_string_equal(msg.id, "kept");
    return msg;
}

/* On the heap, so that the sanitizers see what is read behind its end. */
static struct moon_span exact_copy(struct moon_span text)
{
    char *copy = malloc(text.n + (text.n == 0));
    assert_non_null(copy);
    memcpy(copy, text.p, text.n);
    return (struct moon_span){copy, text.n};
}

static void splits_one_field(void **state)
{
    static const struct {
        struct moon_span text;
        const char *name, *value, *raw; /* name NULL: no field */
    } table[] = {
        {MOON_SPAN("Subject: hi\r\n"), "Subject", " hi", "Subject: hi"},
        {MOON_SPAN("Subject: hi\n"), "Subject", " hi", "Subject: hi"},
        {MOON_SPAN("Subject: hi"), "Subject", " hi", "Subject: hi"},
        {MOON_SPAN("S:"), "S", "", "S:"},
        {MOON_SPAN("S:\n"), "S", "", "S:"},
        {MOON_SPAN("S:\r\n"), "S", "", "S:"},
        {MOON_SPAN("!~: x\n"), "!~", " x", "!~: x"}, /* RFC 5322 section 2.2 */
        {MOON_SPAN("S\x7f: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S \t: x\n"), "S", " x", "S \t: x"}, /* RFC 5322 section 4.5.8 */
        /* Exim takes these for fields, too. */
        {MOON_SPAN("S\n : x\n"), "S", " x", "S\r\n : x"},
        {MOON_SPAN("S\r\n\t: x\r\n"), "S", " x", "S\r\n\t: x"},
        {MOON_SPAN("S \n\t\n \t: x\n"), "S", " x", "S \r\n\t\r\n \t: x"},
        {MOON_SPAN("S\v\f: x\n"), "S", " x", "S\v\f: x"},
        {MOON_SPAN("S\n: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\r : x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\r: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S"), NULL, NULL, NULL},
        {MOON_SPAN("S\n "), NULL, NULL, NULL},
        {MOON_SPAN("S\n"), NULL, NULL, NULL},
        {MOON_SPAN("S: a:b\n"), "S", " a:b", "S: a:b"},
        {MOON_SPAN("S: a\n b\n"), "S", " a\r\n b", "S: a\r\n b"},
        {MOON_SPAN("S: a\r\n\tb\r\n"), "S", " a\r\n\tb", "S: a\r\n\tb"},
        {MOON_SPAN("S: a\n b"), "S", " a\r\n b", "S: a\r\n b"},
        {MOON_SPAN("S: a\r\n b\n c\n"), "S", " a\r\n b\r\n c", "S: a\r\n b\r\n c"},
        {MOON_SPAN("S:\n\n"), "S", "\r\n", "S:\r\n"}, /* only the last line end goes */
        {MOON_SPAN("S: a\0b\n"), "S", " a?b", "S: a?b"},
        {MOON_SPAN("S: a\rb\n"), "S", " a\rb", "S: a\rb"},
        {MOON_SPAN("S: \xff\n"), "S", " \xff", "S: \xff"},
        {MOON_SPAN(""), NULL, NULL, NULL},
        {MOON_SPAN("\n"), NULL, NULL, NULL},
        {MOON_SPAN(": x\n"), NULL, NULL, NULL},
        {MOON_SPAN(" S: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\n: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("two words: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\xe4: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("S\0: x\n"), NULL, NULL, NULL},
        {MOON_SPAN("From a@b Thu Jan  1 00:00:00 1970\n"), NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_field field = {.index = 77};
        bool is_field = false;
        struct moon_span text = exact_copy(table[i].text);
        assert_int_equal(moon_field_parse(arena, text, &field, &is_field), MOON_OK);
        if (is_field != (table[i].name != NULL))
            fail_msg("row %zu: got %d, want %d", i, is_field, table[i].name != NULL);
        if (!is_field) {
            assert_int_equal(field.index, 77); /* nothing is written */
        } else {
            assert_span(field.name, table[i].name);
            assert_span(field.value, table[i].value);
            assert_span(field.raw, table[i].raw);
            assert_false(field.removed);
        }
        free((char *)(uintptr_t)text.p);
    }
    struct moon_field field;
    bool is_field = true;
    assert_int_equal(moon_field_parse(arena, (struct moon_span){"S:", 1}, &field, &is_field),
                     MOON_OK);
    assert_false(is_field);
}

static void a_field_that_is_clean_is_not_copied(void **state)
{
    static const struct moon_span clean[] = {MOON_SPAN("S: a\r\n\tb\r\n"), MOON_SPAN("S: a\rb"),
                                             MOON_SPAN("S: a\n")};
    static const struct moon_span unclean[] = {MOON_SPAN("S: a\n\tb\r\n"), MOON_SPAN("S: a\0b")};
    struct moon_field field;
    bool is_field;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(moon_field_parse(arena, clean[i], &field, &is_field), MOON_OK);
        assert_ptr_equal(field.raw.p, clean[i].p);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(moon_field_parse(arena, unclean[i], &field, &is_field), MOON_OK);
        assert_ptr_not_equal(field.raw.p, unclean[i].p);
    }
}

static void a_cleaned_field_has_room_for_every_line_end(void **state)
{
    char text[102] = "S:";
    struct moon_field fields[2];
    (void)state;
    memset(text + 2, '\n', 100);
    for (size_t i = 0; i < 2; i++) { /* the second stands behind the first in the arena */
        bool is_field;
        text[0] = i ? 'T' : 'S';
        assert_int_equal(
            moon_field_parse(arena, (struct moon_span){text, sizeof text}, &fields[i], &is_field),
            MOON_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fields[i].raw.n, 2 + 2 * 99);
        assert_span(moon_span_sub(fields[i].raw, 0, 2), i ? "T:" : "S:");
        for (size_t k = 0; k < 2 * 99; k++)
            assert_int_equal(fields[i].value.p[k], k % 2 ? '\n' : '\r');
    }
}

static void the_header_ends_where_exim_ends_it(void **state)
{
    static const struct {
        struct moon_span text;
        size_t fields;
        const char *body;
    } table[] = {
        {MOON_SPAN(""), 0, ""},
        {{NULL, 0}, 0, ""},
        {MOON_SPAN("A: 1\n\nbody\n"), 1, "body\n"},
        {MOON_SPAN("A: 1\r\n\r\nbody\r\n"), 1, "body\r\n"},
        {MOON_SPAN("A: 1\nB: 2\n\n\nbody"), 2, "\nbody"},
        {MOON_SPAN("A: 1\n\n"), 1, ""},
        {MOON_SPAN("A: 1\n"), 1, ""},
        {MOON_SPAN("A: 1"), 1, ""},
        {MOON_SPAN("\nbody"), 0, "body"},
        {MOON_SPAN("\r\nbody"), 0, "body"},
        {MOON_SPAN("no field\nA: 1\n"), 0, "no field\nA: 1\n"},
        {MOON_SPAN("A: 1\nno field\n\nx"), 1, "no field\n\nx"},
        {MOON_SPAN("A: 1\n\rx"), 1, "\rx"},
        {MOON_SPAN("A: 1\n folded\n\ttwice\nB: 2\n\nx"), 2, "x"},
        {MOON_SPAN("A: 1\n \n\nx"), 1, "x"},
        {MOON_SPAN("\n folded body"), 0, " folded body"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_message msg = parsed(table[i].text);
        if (msg.field_count != table[i].fields)
            fail_msg("row %zu: got %zu fields, want %zu", i, msg.field_count, table[i].fields);
        assert_span(msg.body.memory, table[i].body);
        assert_int_equal(msg.body.size_bytes, strlen(table[i].body));
        assert_int_equal(msg.body.fd, -1);
        for (size_t k = 0; k < msg.field_count; k++)
            assert_int_equal(msg.fields[k].index, k);
    }
}

static void finds_fields_by_name_from_the_top(void **state)
{
    (void)state;
    struct moon_message msg =
        parsed(MOON_SPAN("Received: 1\nFrom: a\nreceived: 2\nReceived-SPF: x\nRECEIVED: 3\n\n"));
    msg.fields[2].removed = true;
    const struct moon_field *field = moon_message_field(&msg, "Received", NULL, false);
    assert_span(field->value, " 1");
    field = moon_message_field(&msg, "Received", field, false);
    assert_span(field->value, " 3");
    assert_null(moon_message_field(&msg, "Received", field, false));
    field = moon_message_field(&msg, "received", NULL, true);
    field = moon_message_field(&msg, "received", field, true);
    assert_span(field->value, " 2");
    assert_int_equal(moon_message_count(&msg, "Received", false), 2);
    assert_int_equal(moon_message_count(&msg, "Received", true), 3);
    assert_int_equal(moon_message_count(&msg, "Receive", true), 0);
    assert_int_equal(moon_message_count(&msg, "", true), 0);
}

static void unfolds_a_value_for_people(void **state)
{
    static const struct {
        struct moon_span text;
        const char *want;
    } table[] = {
        {MOON_SPAN("S: plain \n"), "plain"},
        {MOON_SPAN("S:\n folded\n\t  again\n"), "folded again"},
        {MOON_SPAN("S: a\r\n \r\n b\r\n"), "a b"},
        {MOON_SPAN("S: two  words\n"), "two  words"},
        {MOON_SPAN("S:\n"), ""},
        {MOON_SPAN("S: a\0b\n"), "a?b"},
        {MOON_SPAN("S: a\rb\n"), "a b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_message msg = parsed(table[i].text);
        assert_int_equal(msg.field_count, 1);
        const char *got = moon_field_text(arena, &msg.fields[0]);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("row %zu: got '%s', want '%s'", i, got, table[i].want);
    }
}

/* Another version or host draws the same. The hashes are test vectors of FNV's authors. */
static void a_draw_is_fnv_1a_of_what_names_the_message(void **state)
{
    static const struct {
        const char *id, *header, *salt;
        uint32_t hash;
    } table[] = {
        {"", "", "", 0x811c9dc5},
        {"a", "", "", 0xe40c292c},
        {"", "Message-ID:b\n", "", 0xe70c2de5},
        {"", "message-id:\n", "c", 0xe60c2c52},
        {"fo", "Message-ID:ob\nMessage-ID:x\n", "ar", 0xbf9cf968},
        {"foobar", "Subject:x\n", "", 0xbf9cf968},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_message msg = {.id = table[i].id};
        assert_int_equal(moon_message_parse(arena, moon_span_of(table[i].header), &msg, NULL),
                         MOON_OK);
        if (moon_message_draw(&msg, table[i].salt) != table[i].hash % 100)
            fail_msg("row %zu: got %u", i, moon_message_draw(&msg, table[i].salt));
    }
    struct moon_message msg = parsed(MOON_SPAN("Message-ID:x\nMessage-ID:b\n"));
    msg.id = "";
    msg.fields[0].removed = true; /* it is not delivered */
    assert_int_equal(moon_message_draw(&msg, ""), 0xe70c2de5 % 100);
}

/* `count` times `unit`, as a message. */
static enum moon_status parse_many(const char *unit, size_t count)
{
    size_t n = strlen(unit);
    char *text = malloc(n * count);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * n, unit, n);
    struct moon_message msg = {.id = ""};
    struct moon_error error = {""};
    enum moon_status status =
        moon_message_parse(arena, (struct moon_span){text, n * count}, &msg, &error);
    assert_string_equal(
        error.text,
        status == MOON_OK ? "" : "the header is larger than 4194304 bytes or 100000 fields");
    free(text);
    return status;
}

static void stops_at_its_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_many("A:\r\n", MOON_FIELDS_MAX), MOON_OK);
    assert_int_equal(parse_many("A:\r\n", MOON_FIELDS_MAX + 1), MOON_EBUDGET);
    size_t fields = MOON_HEADER_BYTES_MAX / 512;
    char unit[513];
    memset(unit, 'x', sizeof unit);
    memcpy(unit, "A:", 2);
    memcpy(unit + 510, "\r\n", 3);
    assert_int_equal(parse_many(unit, fields), MOON_OK);
    assert_int_equal(parse_many(unit, fields + 1), MOON_EBUDGET);
    for (size_t more = 0; more < 2; more++) {
        size_t n = MOON_HEADER_BYTES_MAX + more;
        char *one = malloc(n + 1);
        assert_non_null(one);
        memset(one, 'x', n);
        memcpy(one, "A:", 2);
        memcpy(one + n - 2, "\r\n", 3);
        assert_int_equal(parse_many(one, 1), more ? MOON_EBUDGET : MOON_OK);
        free(one);
    }
}

static void says_when_memory_runs_out(void **state)
{
    static const struct moon_span text = MOON_SPAN("A: 1\n 2\nB: 1\nC: 1\nD: 1\n\n");
    enum moon_status status = MOON_ENOMEM;
    (void)state;
    for (size_t n = 1; status != MOON_OK; n++) {
        struct moon_message msg = {.id = ""};
        assert_true(n < 50);
        moon_arena_fail_at(arena, n);
        status = moon_message_parse(arena, text, &msg, NULL);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        assert_true(msg.field_count == 0 || msg.fields);
        moon_arena_fail_at(arena, 1);
        if (msg.field_count)
            assert_null(moon_field_text(arena, &msg.fields[0]));
    }
    struct moon_field field;
    bool is_field;
    moon_arena_fail_at(arena, 1);
    assert_int_equal(moon_field_parse(arena, MOON_SPAN("A: 1\n 2\n"), &field, &is_field),
                     MOON_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(splits_one_field, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_field_that_is_clean_is_not_copied, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(a_cleaned_field_has_room_for_every_line_end, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(the_header_ends_where_exim_ends_it, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(finds_fields_by_name_from_the_top, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(unfolds_a_value_for_people, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(a_draw_is_fnv_1a_of_what_names_the_message, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(stops_at_its_limits, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
