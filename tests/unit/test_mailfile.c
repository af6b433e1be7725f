/* SPDX-License-Identifier: MIT
 *
 * mailfile: messages in files of every size and kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/cmd/mailfile.h"

#define BODY_LINES 200000u /* of 32 bytes: more than the head that is kept in memory */

static char path[] = "/tmp/moon-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_mail(const char *head, size_t lines)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(head, file) >= 0);
    for (size_t i = 0; i < lines; i++)
        assert_true(fputs("0123456789012345678901234567890\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Opens and parses `name`; then the bytes that the body gives. */
static size_t body_bytes(const char *name, size_t fields, const char *author)
{
    static struct moon_body_iter iter;
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_error error = {""};
    struct moon_mailfile mail;
    struct moon_message msg;
    struct moon_span chunk;
    size_t total = 0;

    assert_non_null(arena);
    if (moon_mailfile_open(name, &mail, &error) != MOON_OK ||
        moon_mailfile_parse(&mail, arena, &msg, &error) != MOON_OK)
        fail_msg("%s", error.text);
    assert_int_equal(msg.field_count, fields);
    const struct moon_field *from = moon_message_field(&msg, "From", NULL, false);
    assert_non_null(from);
    assert_true(moon_span_is(moon_span_trim(from->value), author));
    moon_body_begin(&iter, &msg.body);
    do {
        assert_int_equal(moon_body_next(&iter, &chunk), MOON_OK);
        total += chunk.n;
    } while (chunk.n);
    moon_mailfile_close(&mail);
    moon_arena_destroy(&arena);
    return total;
}

static void a_small_message_and_a_large_one_read_alike(void **state)
{
    static const size_t lines[] = {0, 1, 2000, BODY_LINES};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        write_mail("From: a@d.example\nSubject: x\n\n", lines[i]);
        assert_int_equal(body_bytes(path, 2, "a@d.example"), lines[i] * 33); /* with CR */
        write_mail("From a@d.example Sat Nov 21\nFrom: b@d.example\n\n", lines[i]);
        assert_int_equal(body_bytes(path, 1, "b@d.example"), lines[i] * 33);
    }
}

static void a_pipe_is_read_to_its_end(void **state)
{
    char name[40], text[] = "From: a@d.example\n\nHello\n";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    assert_int_equal(close(ends[1]), 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]); /* it fits */
    assert_int_equal(body_bytes(name, 1, "a@d.example"), 7);
    assert_int_equal(close(ends[0]), 0);
}

static void what_cannot_be_read_is_said(void **state)
{
    static const char *const names[] = {"/nonexistent/mail.eml", "/proc"};
    struct moon_mailfile mail;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct moon_error error = {""};
        assert_int_equal(moon_mailfile_open(names[i], &mail, &error), MOON_EIO);
        assert_non_null(strstr(error.text, names[i]));
        moon_mailfile_close(&mail);
    }
}

static void a_file_that_is_too_large_is_refused(void **state)
{
    struct moon_error error = {""};
    struct moon_mailfile mail;

    (void)state;
    write_mail("From: a@d.example\n\n", 0);
    assert_int_equal(truncate(path, 257 * 1024 * 1024), 0); /* a hole, not a full disk */
    assert_int_equal(moon_mailfile_open(path, &mail, &error), MOON_EBUDGET);
    assert_non_null(strstr(error.text, "larger than I read"));
    moon_mailfile_close(&mail);
}

static void a_header_beyond_its_limit_is_refused(void **state)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_error error = {""};
    struct moon_mailfile mail;
    struct moon_message msg;
    FILE *file = fopen(path, "wb");

    (void)state;
    assert_true(arena && file && fputs("From: a@d.example\nX: y\n", file) >= 0);
    for (size_t i = 0; i < 5 * 1024 * 1024 / 32; i++)
        assert_true(fputs(" 123456789012345678901234567890\n", file) >= 0); /* folds */
    assert_int_equal(fclose(file), 0);
    assert_int_equal(moon_mailfile_open(path, &mail, &error), MOON_OK);
    assert_int_equal(moon_mailfile_parse(&mail, arena, &msg, &error), MOON_EBUDGET);
    moon_mailfile_close(&mail);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_message_and_a_large_one_read_alike),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
        cmocka_unit_test(a_header_beyond_its_limit_is_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
