/* SPDX-License-Identifier: MIT
 *
 * sig_canon: the canonicalizations of RFC 6376 section 3.4, as a stream: bytes go in by chunks of
 * any size, runs of canonical bytes come out.
 */
#ifndef MOON_AUTH_SIG_CANON_H
#define MOON_AUTH_SIG_CANON_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"

enum moon_sig_canon { MOON_SIG_CANON_SIMPLE = 0, MOON_SIG_CANON_RELAXED };

/* Takes the next canonical bytes. */
typedef void moon_sig_emit(void *context, const char *p, size_t n);

/* One header field, raw and without its final CRLF; the CRLF behind it is the caller's. */
void moon_sig_canon_field(enum moon_sig_canon canon, struct moon_span raw, moon_sig_emit *emit,
                          void *context);

/* A body on its way. `total_bytes` counts the whole canonical body; what is emitted ends at
 * `length` (l=), -1 for no limit. The input should have CRLF line ends; a CR or LF alone is an
 * ordinary byte. */
struct moon_sig_body {
    enum moon_sig_canon canon;
    int64_t length;
    int64_t total_bytes;
    moon_sig_emit *emit; /* NULL: only count */
    void *context;
    uint64_t line_ends; /* CRLFs seen and not yet given out */
    bool space, cr;     /* the same for white space (relaxed) and a CR */
};
void moon_sig_body_begin(struct moon_sig_body *body, enum moon_sig_canon canon, int64_t length,
                         moon_sig_emit *emit, void *context);
void moon_sig_body_add(struct moon_sig_body *body, struct moon_span chunk);
void moon_sig_body_end(struct moon_sig_body *body);

#endif
