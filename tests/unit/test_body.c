/* SPDX-License-Identifier: MIT
 *
 * The body iterator: from memory and from a file the same bytes come out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/message/body.h"

static struct moon_body_iter iter;

static int file_of(struct moon_span head, struct moon_span text)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    assert_true(fd >= 0);
    if (head.n)
        assert_int_equal(write(fd, head.p, head.n), (ssize_t)head.n);
    if (text.n)
        assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
    return fd;
}

/* All that comes out, on the heap. */
static struct moon_span all_of(const struct moon_body *body)
{
    size_t room = 2 * (size_t)body->size_bytes + 2, n = 0;
    char *out = malloc(room);
    struct moon_span chunk;
    assert_non_null(out);
    moon_body_begin(&iter, body);
    do {
        assert_int_equal(moon_body_next(&iter, &chunk), MOON_OK);
        assert_true(n + chunk.n <= room);
        memcpy(out + n, chunk.p, chunk.n);
        n += chunk.n;
    } while (chunk.n);
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_OK);
    assert_int_equal(chunk.n, 0); /* the end stays the end */
    return (struct moon_span){out, n};
}

/* What should come out, a byte at a time and without chunks. */
static struct moon_span wanted_of(struct moon_span text)
{
    char *out = malloc(2 * text.n + 2);
    size_t n = 0;
    assert_non_null(out);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (n == 0 || out[n - 1] != '\r'))
            out[n++] = '\r';
        out[n++] = text.p[i];
    }
    if (n && out[n - 1] != '\n') {
        if (out[n - 1] != '\r')
            out[n++] = '\r';
        out[n++] = '\n';
    }
    return (struct moon_span){out, n};
}

static void assert_same(struct moon_span got, struct moon_span want)
{
    if (!moon_span_eq(got, want))
        fail_msg("got %zu bytes '%.*s', want %zu bytes '%.*s'", got.n,
                 (int)(got.n < 60 ? got.n : 60), got.p, want.n, (int)(want.n < 60 ? want.n : 60),
                 want.p);
}

static void check(struct moon_span text, struct moon_span want)
{
    struct moon_body body = {.memory = text, .fd = -1, .size_bytes = (int64_t)text.n};
    struct moon_span got = all_of(&body);
    assert_same(got, want);
    free((char *)(uintptr_t)got.p);

    struct moon_span head = MOON_SPAN("1abcde-000001-00-D\n"); /* the first line of a spool file */
    int fd = file_of(head, text);
    off_t before = lseek(fd, 5, SEEK_SET);
    assert_int_equal(moon_body_of_fd(fd, (int64_t)head.n, &body), MOON_OK);
    assert_int_equal(body.size_bytes, text.n);
    got = all_of(&body);
    assert_same(got, want);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), before); /* shared with Exim: never moves */
    free((char *)(uintptr_t)got.p);
    assert_int_equal(close(fd), 0);
}

static void every_line_ends_in_crlf(void **state)
{
    static const struct {
        struct moon_span text, want;
    } table[] = {
        {MOON_SPAN(""), MOON_SPAN("")},
        {MOON_SPAN("\n"), MOON_SPAN("\r\n")},
        {MOON_SPAN("\r\n"), MOON_SPAN("\r\n")},
        {MOON_SPAN("\r"), MOON_SPAN("\r\n")},
        {MOON_SPAN("a"), MOON_SPAN("a\r\n")},
        {MOON_SPAN("a\nb\n"), MOON_SPAN("a\r\nb\r\n")},
        {MOON_SPAN("a\r\nb\r\n"), MOON_SPAN("a\r\nb\r\n")},
        {MOON_SPAN("a\nb"), MOON_SPAN("a\r\nb\r\n")},
        {MOON_SPAN("a\r\nb"), MOON_SPAN("a\r\nb\r\n")},
        {MOON_SPAN("a\rb\n"), MOON_SPAN("a\rb\r\n")},
        {MOON_SPAN("a\r"), MOON_SPAN("a\r\n")},
        {MOON_SPAN("a\r\r\n"), MOON_SPAN("a\r\r\n")},
        {MOON_SPAN("\n\n\n"), MOON_SPAN("\r\n\r\n\r\n")},
        {MOON_SPAN("\n\r\n\n"), MOON_SPAN("\r\n\r\n\r\n")},
        {MOON_SPAN("\n\r"), MOON_SPAN("\r\n\r\n")},
        {MOON_SPAN("a\0b\n"), MOON_SPAN("a\0b\r\n")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(table[i].text, table[i].want);
}

static void chunk_borders_change_nothing(void **state)
{
    static const char *const ends[] = {"\n",   "\r\n",   "\r", "\r\r\n",
                                       "\n\n", "\n\r\n", "x",  "\r\nx"};
    (void)state;
    for (size_t chunks = 1; chunks <= 2; chunks++)
        for (int shift = -3; shift <= 2; shift++)
            for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
                size_t n = (size_t)((int)(chunks * MOON_BODY_CHUNK_BYTES) + shift);
                size_t more = strlen(ends[i]);
                char *text = malloc(n + more);
                assert_non_null(text);
                memset(text, 'a', n);
                memcpy(text + n, ends[i], more);
                struct moon_span stored = {text, n + more}, want = wanted_of(stored);
                check(stored, want);
                free((char *)(uintptr_t)want.p);
                free(text);
            }
}

static void a_body_of_line_ends_alone_has_room(void **state)
{
    (void)state;
    size_t n = 3 * MOON_BODY_CHUNK_BYTES + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '\n', n);
    struct moon_span stored = {text, n}, want = wanted_of(stored);
    check(stored, want);
    free((char *)(uintptr_t)want.p);
    free(text);
}

static void a_file_that_got_shorter_is_an_error(void **state)
{
    (void)state;
    struct moon_body body;
    struct moon_span chunk;
    size_t n = 2 * MOON_BODY_CHUNK_BYTES;
    char *text = calloc(1, n);
    int fd = file_of(MOON_SPAN(""), (struct moon_span){text, n});
    assert_int_equal(moon_body_of_fd(fd, 0, &body), MOON_OK);
    moon_body_begin(&iter, &body);
    errno = EINTR; /* of a call before: it says nothing of a read that does not fail */
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_OK);
    assert_int_equal(chunk.n, MOON_BODY_CHUNK_BYTES);
    assert_int_equal(ftruncate(fd, 10), 0);
    errno = EINTR;
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_EIO);
    assert_int_equal(chunk.n, 0);
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_EIO);
    assert_int_equal(close(fd), 0);
    free(text);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct moon_body body;
    struct moon_span chunk;
    int fd = file_of(MOON_SPAN(""), MOON_SPAN("a\n"));
    assert_int_equal(moon_body_of_fd(fd, 0, &body), MOON_OK);
    moon_body_begin(&iter, &body);
    assert_int_equal(close(fd), 0);
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_EIO);
    assert_int_equal(chunk.n, 0);
}

/* Whoever was started without a standard input gets it for the first file that is opened. */
static void descriptor_0_is_a_file_like_any_other(void **state)
{
    (void)state;
    struct moon_body body;
    int before = dup(0);
    (void)close(0); /* there may be none */
    assert_int_equal(file_of(MOON_SPAN(""), MOON_SPAN("a\n")), 0);
    assert_int_equal(moon_body_of_fd(0, 0, &body), MOON_OK);
    struct moon_span got = all_of(&body);
    assert_int_equal(close(0), 0);
    if (before >= 0) {
        assert_int_equal(dup2(before, 0), 0);
        assert_int_equal(close(before), 0);
    }
    assert_same(got, MOON_SPAN("a\r\n"));
    free((char *)(uintptr_t)got.p);
}

static void a_file_that_grew_gives_what_was_there(void **state)
{
    (void)state;
    struct moon_body body;
    int fd = file_of(MOON_SPAN(""), MOON_SPAN("a\n"));
    assert_int_equal(moon_body_of_fd(fd, 0, &body), MOON_OK);
    assert_int_equal(write(fd, "more\n", 5), 5);
    struct moon_span got = all_of(&body);
    assert_same(got, MOON_SPAN("a\r\n"));
    free((char *)(uintptr_t)got.p);
    assert_int_equal(close(fd), 0);
}

static void what_is_no_body_is_refused(void **state)
{
    (void)state;
    struct moon_body body;
    int fd = file_of(MOON_SPAN(""), MOON_SPAN("abc"));
    assert_int_equal(moon_body_of_fd(fd, 4, &body), MOON_EIO);
    assert_int_equal(moon_body_of_fd(fd, -1, &body), MOON_EIO);
    assert_int_equal(moon_body_of_fd(fd, 3, &body), MOON_OK);
    assert_int_equal(body.size_bytes, 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(moon_body_of_fd(fd, 0, &body), MOON_EIO); /* closed */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(moon_body_of_fd(ends[0], 0, &body), MOON_EIO); /* no file */
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void a_size_that_is_none_reads_nothing(void **state)
{
    (void)state;
    struct moon_span chunk;
    int fd = file_of(MOON_SPAN(""), MOON_SPAN("abc"));
    struct moon_body body = {.fd = fd, .size_bytes = -5};
    moon_body_begin(&iter, &body);
    assert_int_equal(moon_body_next(&iter, &chunk), MOON_OK);
    assert_int_equal(chunk.n, 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_ends_in_crlf),
        cmocka_unit_test(chunk_borders_change_nothing),
        cmocka_unit_test(a_body_of_line_ends_alone_has_room),
        cmocka_unit_test(a_file_that_got_shorter_is_an_error),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test(descriptor_0_is_a_file_like_any_other),
        cmocka_unit_test(a_file_that_grew_gives_what_was_there),
        cmocka_unit_test(what_is_no_body_is_refused),
        cmocka_unit_test(a_size_that_is_none_reads_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
