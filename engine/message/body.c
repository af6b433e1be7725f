/* SPDX-License-Identifier: MIT
 *
 * body: reads 64 KB at a time and gives out the same bytes with CRLF line ends.
 *
 * One rule serves every way Exim stores a body: a CR is put before each LF that has none.
 */
#include "engine/message/body.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum moon_status moon_body_of_fd(int fd, int64_t start_bytes, struct moon_body *body_r)
{
    struct stat about;

    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || start_bytes < 0 ||
        start_bytes > about.st_size)
        return MOON_EIO;
    *body_r = (struct moon_body){
        .fd = fd, .start_bytes = start_bytes, .size_bytes = about.st_size - start_bytes};
    return MOON_OK;
}

void moon_body_begin(struct moon_body_iter *iter, const struct moon_body *body)
{
    iter->body = body;
    iter->at_bytes = 0;
    iter->last_cr = iter->ended = iter->any = false;
}

/* The next stored bytes; n == 0 at the end. */
static enum moon_status read_stored(struct moon_body_iter *iter, struct moon_span *stored_r)
{
    const struct moon_body *body = iter->body;

    if (body->fd < 0) {
        *stored_r = moon_span_sub(body->memory, (size_t)iter->at_bytes, sizeof iter->in);
        iter->at_bytes += (int64_t)stored_r->n;
        return MOON_OK;
    }
    int64_t left = body->size_bytes - iter->at_bytes;
    ssize_t got = 0;
    if (left > 0) {
        size_t wanted = left < (int64_t)sizeof iter->in ? (size_t)left : sizeof iter->in;
        do
            got = pread(body->fd, iter->in, wanted, body->start_bytes + iter->at_bytes);
        while (got < 0 && errno == EINTR);
        if (got <= 0)
            return MOON_EIO; /* unreadable, or shorter than it was */
    }
    *stored_r = (struct moon_span){iter->in, (size_t)got};
    iter->at_bytes += got;
    return MOON_OK;
}

enum moon_status moon_body_next(struct moon_body_iter *iter, struct moon_span *chunk_r)
{
    struct moon_span stored;
    size_t n = 0;

    *chunk_r = (struct moon_span){iter->out, 0};
    if (iter->ended)
        return MOON_OK;
    enum moon_status status = read_stored(iter, &stored);
    if (status != MOON_OK)
        return status;
    if (stored.n == 0) {
        iter->ended = true;
        if (iter->any) { /* the last line has no end yet */
            memcpy(iter->out, "\r\n", 2);
            chunk_r->n = 2;
            if (iter->last_cr) {
                iter->out[0] = '\n';
                chunk_r->n = 1;
            }
        }
        return MOON_OK;
    }
    while (stored.n) {
        const char *lf = memchr(stored.p, '\n', stored.n);
        size_t run = lf ? (size_t)(lf - stored.p) : stored.n;
        memcpy(iter->out + n, stored.p, run);
        n += run;
        if (run)
            iter->last_cr = stored.p[run - 1] == '\r';
        if (lf) {
            if (!iter->last_cr)
                iter->out[n++] = '\r';
            iter->out[n++] = '\n';
            iter->last_cr = false;
            run++;
        }
        iter->any = lf == NULL;
        stored = moon_span_sub(stored, run, stored.n);
    }
    chunk_r->n = n;
    return MOON_OK;
}
