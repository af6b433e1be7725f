/* SPDX-License-Identifier: MIT
 *
 * mailfile: 1. open; copy what is no regular file  2. read the head  3. the header out of the head
 * 4. the body out of the head when that is all of the file, else out of the file
 */
#include "engine/cmd/mailfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"

#define FILE_BYTES_MAX (256u * 1024 * 1024) /* larger than any site's message_size_limit */
/* More than a header may have: a larger header is refused before the head ends. */
#define HEAD_BYTES_MAX ((size_t)MOON_HEADER_BYTES_MAX + 64u * 1024)

/* Step 1: a pipe's bytes in a file of their own, gone when it is closed. */
static FILE *copy(FILE *in, struct moon_error *error, const char *path)
{
    static char chunk[65536];
    FILE *out = tmpfile();
    size_t n, size = 0;

    if (!out) {
        (void)moon_fail(error, MOON_EIO, "a temporary file: %s",
                        strerror(errno)); /* NULL says so */
        return NULL;
    }
    while (size <= FILE_BYTES_MAX && (n = fread(chunk, 1, sizeof chunk, in)) > 0) {
        if (fwrite(chunk, 1, n, out) != n)
            break;
        size += n;
    }
    if (ferror(in) || fflush(out) != 0 || ferror(out)) {
        (void)moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno)); /* the same */
        (void)fclose(out);                                                 /* failed already */
        return NULL;
    }
    return out;
}

/* A file whose size is known. */
static enum moon_status open_file(const char *path, struct moon_mailfile *mailfile,
                                  struct moon_error *error)
{
    struct stat about;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

    if (!file || fstat(fileno(file), &about) != 0) {
        mailfile->file = file;
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    }
    mailfile->file = file;
    if (S_ISDIR(about.st_mode))
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(EISDIR));
    if (!S_ISREG(about.st_mode) || lseek(fileno(file), 0, SEEK_CUR) != 0) {
        mailfile->file = copy(file, error, path);
        if (file != stdin)
            (void)fclose(file); /* was only read */
        if (!mailfile->file)
            return MOON_EIO;
        if (fstat(fileno(mailfile->file), &about) != 0)
            return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    }
    mailfile->size_bytes = about.st_size;
    if (mailfile->size_bytes > (int64_t)FILE_BYTES_MAX)
        return moon_fail(error, MOON_EBUDGET, "%s: larger than I read", path);
    return MOON_OK;
}

enum moon_status moon_mailfile_open(const char *path, struct moon_mailfile *mailfile_r,
                                    struct moon_error *error)
{
    *mailfile_r = (struct moon_mailfile){.file = NULL};
    enum moon_status status = open_file(path, mailfile_r, error);
    if (status != MOON_OK)
        return status;
    size_t wanted = mailfile_r->size_bytes < (int64_t)HEAD_BYTES_MAX
                        ? (size_t)mailfile_r->size_bytes
                        : HEAD_BYTES_MAX;
    mailfile_r->head = malloc(wanted + 1);
    if (!mailfile_r->head)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    while (mailfile_r->head_bytes < wanted) { /* step 2 */
        ssize_t got = pread(fileno(mailfile_r->file), mailfile_r->head + mailfile_r->head_bytes,
                            wanted - mailfile_r->head_bytes, (off_t)mailfile_r->head_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return moon_fail(error, MOON_EIO, "%s: %s", path,
                             got ? strerror(errno) : "it became shorter");
        mailfile_r->head_bytes += (size_t)got;
    }
    return MOON_OK;
}

/* An mbox file's first line, "From someone Sat Nov 21 ...", is none of the message's. */
static struct moon_span without_mbox_line(struct moon_span text)
{
    struct moon_span mark = MOON_SPAN("From ");
    size_t end = moon_span_find(text, '\n');
    if (end == (size_t)-1 || !moon_span_eq(moon_span_sub(text, 0, mark.n), mark))
        return text;
    return moon_span_sub(text, end + 1, text.n);
}

enum moon_status moon_mailfile_parse(const struct moon_mailfile *mailfile, struct moon_arena *arena,
                                     struct moon_message *msg, struct moon_error *error)
{
    struct moon_span head = {mailfile->head, mailfile->head_bytes};
    enum moon_status status = moon_message_parse(arena, without_mbox_line(head), msg, error);

    if (status != MOON_OK || mailfile->size_bytes == (int64_t)mailfile->head_bytes)
        return status;
    status =
        moon_body_of_fd(fileno(mailfile->file), msg->body.memory.p - mailfile->head, &msg->body);
    return status == MOON_OK ? MOON_OK : moon_fail(error, status, "the body cannot be read");
}

void moon_mailfile_close(struct moon_mailfile *mailfile)
{
    if (mailfile->file && mailfile->file != stdin)
        (void)fclose(mailfile->file); /* was only read, or is temporary */
    free(mailfile->head);
    *mailfile = (struct moon_mailfile){.file = NULL};
}
