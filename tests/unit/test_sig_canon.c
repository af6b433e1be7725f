/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_canon.c: RFC 6376 section 3.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/sig_canon.h"
#include "engine/base/arena.h"
#include "engine/base/status.h"

static void keep(void *context, const char *p, size_t n)
{
    moon_str_add_span(context, (struct moon_span){p, n});
}

static const struct {
    const char *raw, *relaxed;
} fields[] = {
    {"A: X", "a:X"},
    {"B : Y\t\r\n\tZ  ", "b:Y Z"},
    {"SUBJECT:  a   b\t c", "subject:a b c"},
    {"Empty:", "empty:"},
    {"Blank:   \r\n ", "blank:"},
    {"Fold:\r\n first", "fold:first"},
    {"Two:words:with colons", "two:words:with colons"},
    {"Vertical:a\vb\fc", "vertical:a\vb\fc"},
    {"8bit: \xc3\xa4  \xff", "8bit:\xc3\xa4 \xff"},
};

/* RFC 6376 section 3.4.1 and RFC 6376 section 3.4.2 */
static void canonicalizes_header_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct moon_arena *arena = moon_arena_create(100000);
        struct moon_str str;
        moon_str_begin(&str, arena);
        moon_sig_canon_field(MOON_SIG_CANON_RELAXED, moon_span_of(fields[i].raw), keep, &str);
        assert_string_equal(moon_str_end(&str), fields[i].relaxed);
        moon_str_begin(&str, arena);
        moon_sig_canon_field(MOON_SIG_CANON_SIMPLE, moon_span_of(fields[i].raw), keep, &str);
        assert_string_equal(moon_str_end(&str), fields[i].raw);
        moon_arena_destroy(&arena);
    }
}

static void makes_long_names_lower_case(void **state)
{
    struct moon_arena *arena = moon_arena_create(100000);
    struct moon_str str, want;
    (void)state;
    moon_str_begin(&str, arena);
    moon_str_begin(&want, arena);
    for (size_t i = 0; i < 300; i++) {
        moon_str_add_char(&str, (char)('A' + i % 26));
        moon_str_add_char(&want, (char)('a' + i % 26));
    }
    moon_str_add(&str, ":x");
    moon_str_add(&want, ":x");
    struct moon_str out;
    moon_str_begin(&out, arena);
    moon_sig_canon_field(MOON_SIG_CANON_RELAXED, moon_span_of(moon_str_end(&str)), keep, &out);
    assert_string_equal(moon_str_end(&out), moon_str_end(&want));
    moon_arena_destroy(&arena);
}

static const struct {
    const char *in, *simple, *relaxed;
} bodies[] = {
    /* RFC 6376 section 3.4.3 and RFC 6376 section 3.4.4 */
    /* the example of RFC 6376 section 3.4.5 */
    {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
    {"", "\r\n", ""},
    {"\r\n", "\r\n", ""},
    {"\r\n\r\n\r\n", "\r\n", ""},
    {" \r\n", " \r\n", ""},
    {" \t\r\n \r\n", " \t\r\n \r\n", ""},
    {"x", "x\r\n", "x\r\n"},
    {"x \t", "x \t\r\n", "x\r\n"},
    {"x\r\n\r\ny\r\n", "x\r\n\r\ny\r\n", "x\r\n\r\ny\r\n"},
    {"\r\n\r\n  y", "\r\n\r\n  y\r\n", "\r\n\r\n y\r\n"},
    {"a  \t b \r\n", "a  \t b \r\n", "a b\r\n"},
    {"a\rb\r\n", "a\rb\r\n", "a\rb\r\n"},
    {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
    {"a\r", "a\r\r\n", "a\r\r\n"},
    {"a \r b", "a \r b\r\n", "a \r b\r\n"},
    {"a\nb\r\n", "a\nb\r\n", "a\nb\r\n"},
    {"\x80\xff\v\r\n", "\x80\xff\v\r\n", "\x80\xff\v\r\n"},
};

static char *canonical(struct moon_arena *arena, enum moon_sig_canon canon, int64_t length,
                       const char *in, size_t chunk, int64_t *total_r)
{
    struct moon_sig_body body;
    struct moon_str str;
    struct moon_span span = moon_span_of(in);

    moon_str_begin(&str, arena);
    moon_sig_body_begin(&body, canon, length, keep, &str);
    for (size_t i = 0; i < span.n; i += chunk) { /* behind a chunk there is nothing to read */
        struct moon_span part = moon_span_sub(span, i, chunk);
        char *exact = malloc(part.n);
        assert_non_null(exact);
        memcpy(exact, part.p, part.n);
        moon_sig_body_add(&body, (struct moon_span){exact, part.n});
        free(exact);
    }
    moon_sig_body_end(&body);
    *total_r = body.total_bytes;
    return moon_str_end(&str);
}

static void gives_the_same_body_whatever_the_chunks(void **state)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            struct moon_arena *arena = moon_arena_create(100000);
            int64_t total;
            assert_string_equal(
                canonical(arena, MOON_SIG_CANON_SIMPLE, -1, bodies[i].in, chunks[c], &total),
                bodies[i].simple);
            assert_int_equal(total, strlen(bodies[i].simple));
            assert_string_equal(
                canonical(arena, MOON_SIG_CANON_RELAXED, -1, bodies[i].in, chunks[c], &total),
                bodies[i].relaxed);
            assert_int_equal(total, strlen(bodies[i].relaxed));
            moon_arena_destroy(&arena);
        }
}

/* RFC 6376 section 3.4.4 again, another way: line by line, byte by byte. */
static const char *relaxed_by_lines(struct moon_arena *arena, struct moon_span in)
{
    struct moon_str out;
    size_t end = 0; /* of the last line that is not empty */

    moon_str_begin(&out, arena);
    for (size_t i = 0; i < in.n;) {
        bool space = false, any = false;
        for (; i < in.n && !(in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n'); i++) {
            if (in.p[i] == ' ' || in.p[i] == '\t') {
                space = true;
                continue;
            }
            if (space)
                moon_str_add_char(&out, ' ');
            moon_str_add_char(&out, in.p[i]);
            space = false;
            any = true;
        }
        i += 2;
        moon_str_add(&out, "\r\n");
        end = any ? out.length : end;
    }
    return moon_arena_dup(arena, (struct moon_span){moon_str_end(&out), end});
}

static void agrees_with_another_way_on_bodies_by_chance(void **state)
{
    static const char *const pieces[] = {" ", "\t", "\r\n", "\r\n",     "\r",     "\n",
                                         "a", "bc", "word", "eight ch", " x y z", "\x80"};
    uint32_t seed = 1;
    (void)state;
    for (size_t round = 0; round < 5000; round++) {
        struct moon_arena *arena = moon_arena_create(100000);
        struct moon_str str;
        int64_t total;
        moon_str_begin(&str, arena);
        seed = seed * 1664525 + 1013904223;
        for (size_t n = seed >> 16 & 31; n > 0; n--) {
            seed = seed * 1664525 + 1013904223;
            moon_str_add(&str, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        const char *in = moon_str_end(&str), *want = relaxed_by_lines(arena, moon_span_of(in));
        for (size_t chunk = 1 + round % 5; chunk < 100; chunk *= 3) {
            const char *got = canonical(arena, MOON_SIG_CANON_RELAXED, -1, in, chunk, &total);
            if (strcmp(got, want) != 0)
                fail_msg("'%s' in chunks of %zu: got '%s', want '%s'", in, chunk, got, want);
            assert_int_equal(total, strlen(want));
            size_t kept = strlen(in); /* simple: only line ends at the end go */
            while (kept >= 2 && memcmp(in + kept - 2, "\r\n", 2) == 0)
                kept -= 2;
            got = canonical(arena, MOON_SIG_CANON_SIMPLE, -1, in, chunk, &total);
            assert_int_equal(total, kept + 2);
            assert_true(memcmp(got, in, kept) == 0 && strcmp(got + kept, "\r\n") == 0);
        }
        moon_arena_destroy(&arena);
    }
}

/* A body is looked through in blocks: what matters may stand anywhere in one. */
static void notices_white_space_and_line_ends_wherever_they_stand(void **state)
{
    static const char *const odd[] = {" ",     "  ",       "\t", " \t", "\r\n",
                                      " \r\n", "\r\n\r\n", "\r", "\n"};
    static const char plain[] = "a body of more than two blocks, in which but one thing is put in";
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t at = 0; at < sizeof plain; at++) {
            struct moon_arena *arena = moon_arena_create(100000);
            int64_t total;
            char *in = moon_arena_printf(arena, "%.*s%s%s", (int)at, plain, odd[i], plain + at);
            const char *want = relaxed_by_lines(arena, moon_span_of(in));
            for (size_t chunk = 1; chunk < 100; chunk += chunk < 40 ? 3 : 59)
                assert_string_equal(canonical(arena, MOON_SIG_CANON_RELAXED, -1, in, chunk, &total),
                                    want);
            moon_arena_destroy(&arena);
        }
}

static void stops_at_the_length_and_counts_on(void **state)
{
    static const char in[] = "ab  c\r\n\r\n\r\nd \r\n\r\n";
    static const char whole[] = "ab c\r\n\r\n\r\nd\r\n";
    (void)state;
    for (size_t n = 0; n <= sizeof whole + 3; n++)
        for (size_t chunk = 1; chunk < 8; chunk++) {
            struct moon_arena *arena = moon_arena_create(100000);
            int64_t total;
            char *got = canonical(arena, MOON_SIG_CANON_RELAXED, (int64_t)n, in, chunk, &total);
            struct moon_span want = moon_span_sub(MOON_SPAN(whole), 0, n);
            assert_true(moon_span_eq(moon_span_of(got), want));
            assert_int_equal(total, sizeof whole - 1);
            moon_arena_destroy(&arena);
        }
}

static void holds_back_any_number_of_line_ends(void **state)
{
    (void)state;
    for (size_t count = 1; count < 1000; count += count < 40 ? 1 : 97) {
        struct moon_arena *arena = moon_arena_create(100000);
        struct moon_sig_body body;
        struct moon_str str;
        moon_str_begin(&str, arena);
        moon_sig_body_begin(&body, MOON_SIG_CANON_RELAXED, -1, keep, &str);
        moon_sig_body_add(&body, MOON_SPAN("x"));
        for (size_t i = 0; i < count; i++)
            moon_sig_body_add(&body, MOON_SPAN("\r\n"));
        assert_int_equal(body.total_bytes, 1);
        moon_sig_body_add(&body, MOON_SPAN("y"));
        moon_sig_body_end(&body);
        assert_int_equal(body.total_bytes, 2 + 2 * count + 2);
        const char *text = moon_str_end(&str);
        assert_int_equal(strlen(text), 2 + 2 * count + 2);
        for (size_t i = 0; i <= count; i++) /* the last one behind the y */
            assert_memory_equal(text + 1 + 2 * i + (i == count), "\r\n", 2);
        assert_true(text[0] == 'x' && text[1 + 2 * count] == 'y');
        moon_arena_destroy(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonicalizes_header_fields),
        cmocka_unit_test(makes_long_names_lower_case),
        cmocka_unit_test(gives_the_same_body_whatever_the_chunks),
        cmocka_unit_test(agrees_with_another_way_on_bodies_by_chance),
        cmocka_unit_test(notices_white_space_and_line_ends_wherever_they_stand),
        cmocka_unit_test(stops_at_the_length_and_counts_on),
        cmocka_unit_test(holds_back_any_number_of_line_ends),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
