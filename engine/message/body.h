/* SPDX-License-Identifier: MIT
 *
 * body: the message body as a stream of CRLF lines, from memory or from Exim's spool file. Every LF
 * not preceded by CR is given out as CRLF; a missing last CRLF is added when the body is not empty.
 * Exim's normal spool and its wire format (spool_wireformat) need no telling apart that way.
 * The file is read with pread only: its offset, shared with Exim, never moves, nothing is mapped.
 */
#ifndef MOON_MESSAGE_BODY_H
#define MOON_MESSAGE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

struct moon_body {
    struct moon_span memory; /* used when fd < 0 */
    int fd;                  /* borrowed, or -1 */
    int64_t start_bytes;     /* offset of the body in the file */
    int64_t size_bytes;      /* bytes of the body as stored */
};

/* Body of the file from `start_bytes` to its end. MOON_EIO when it cannot be told. */
enum moon_status moon_body_of_fd(int fd, int64_t start_bytes, struct moon_body *body_r);

struct moon_body_iter {
    const struct moon_body *body;
    int64_t at_bytes; /* position behind what was read */
    bool last_cr, ended, any;
    char in[MOON_BODY_CHUNK_BYTES];
    char out[2 * MOON_BODY_CHUNK_BYTES + 2]; /* every byte may be an LF that grows */
};

/* The iterator is large: keep it in an arena or on the heap, one per body. */
void moon_body_begin(struct moon_body_iter *iter, const struct moon_body *body);
/* The next run of bytes, valid until the next call. n == 0: the end. MOON_EIO when the file cannot
 * be read or got shorter. */
enum moon_status moon_body_next(struct moon_body_iter *iter, struct moon_span *chunk_r);

#endif
