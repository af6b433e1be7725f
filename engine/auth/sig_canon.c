/* SPDX-License-Identifier: MIT
 *
 * sig_canon: RFC 6376 section 3.4. Works by runs: bytes that stay as they are are found first and
 * handed on in one piece.
 *
 * Body: line ends, white space and a CR are held back until the next ordinary byte shows what they
 * were. A run goes on across what stays as it is: one SP, or one line end, between ordinary bytes.
 * At the end the held-back line ends are dropped, and one CRLF is given out: always for simple, for
 * relaxed unless nothing came out before.
 */
#include "engine/auth/sig_canon.h"

#include <endian.h>
#include <string.h>

static bool is_fold_byte(char c)
{
    return moon_is_wsp(c) || c == '\r' || c == '\n';
}

static bool is_no_fold_byte(char c)
{
    return !is_fold_byte(c);
}

void moon_sig_canon_field(enum moon_sig_canon canon, struct moon_span raw, moon_sig_emit *emit,
                          void *context)
{
    if (canon == MOON_SIG_CANON_SIMPLE) {
        emit(context, raw.p, raw.n);
        return;
    }
    /* RFC 6376 section 3.4.2: lower-case name, no WSP around the colon, folds and WSP one SP. */
    struct moon_buf buf = moon_buf_of(raw);
    struct moon_span name = moon_span_trim(moon_buf_until(&buf, ':'));
    char lower[64];
    for (size_t i = 0; i < name.n;) {
        size_t n = 0;
        while (n < sizeof lower && i < name.n)
            lower[n++] = moon_lower(name.p[i++]);
        emit(context, lower, n);
    }
    emit(context, ":", 1);
    (void)moon_buf_skip(&buf, ':'); /* not there only when the caller gave no field */
    (void)moon_buf_while(&buf, is_fold_byte);
    while (!moon_buf_at_end(&buf)) {
        struct moon_span run = moon_buf_while(&buf, is_no_fold_byte);
        emit(context, run.p, run.n);
        (void)moon_buf_while(&buf, is_fold_byte);
        if (!moon_buf_at_end(&buf))
            emit(context, " ", 1);
    }
}

void moon_sig_body_begin(struct moon_sig_body *body, enum moon_sig_canon canon, int64_t length,
                         moon_sig_emit *emit, void *context)
{
    *body =
        (struct moon_sig_body){.canon = canon, .length = length, .emit = emit, .context = context};
}

/* Canonical bytes: counted, and handed on up to the length. */
static void put(struct moon_sig_body *body, const char *p, size_t n)
{
    size_t wanted = n;

    if (body->length >= 0) {
        int64_t left = body->length - body->total_bytes;
        wanted = left <= 0 ? 0 : (uint64_t)left < n ? (size_t)left : n;
    }
    body->total_bytes += (int64_t)n;
    if (body->emit && wanted)
        body->emit(body->context, p, wanted);
}

static void put_held_back(struct moon_sig_body *body)
{
    static const char ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

    while (body->line_ends) {
        uint64_t n = body->line_ends < 16 ? body->line_ends : 16;
        put(body, ends, (size_t)n * 2);
        body->line_ends -= n;
    }
    if (body->space)
        put(body, " ", 1);
    body->space = false;
    if (body->cr)
        put(body, "\r", 1);
    body->cr = false;
}

/* Is a line end at i with a byte behind it that no line end, and in relaxed no white space, is? */
static bool is_plain_end(enum moon_sig_canon canon, const char *p, size_t n, size_t i)
{
    return n - i > 2 && p[i] == '\r' && p[i + 1] == '\n' && p[i + 2] != '\r' &&
           (canon == MOON_SIG_CANON_SIMPLE || !moon_is_wsp(p[i + 2]));
}

/* Sixteen bytes at a time, as every processor of today compares them; no library function looks for
 * one of several. */
typedef unsigned char block __attribute__((vector_size(16)));

static block load(const char *p)
{
    block bytes;
    memcpy(&bytes, p, sizeof bytes);
    return bytes;
}

/* How many bytes at p are surely neither CR nor HTAB nor a SP that is followed by another. Stops
 * where less than a block and one byte are left. */
static size_t plain_bytes(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i > sizeof(block); i += sizeof(block)) {
        block here = load(p + i), next = load(p + i + 1);
        block odd = (block)((here == '\r') | (here == '\t') | ((here == ' ') & (next == ' ')));
        uint64_t half[2];
        memcpy(half, &odd, sizeof half);
        if (half[0] | half[1]) { /* the odd bytes are 255 */
            bool first = half[0] != 0;
            return i + (first ? 0 : 8) + (size_t)__builtin_ctzll(le64toh(half[first ? 0 : 1])) / 8;
        }
    }
    return i;
}

/* Length of the run at the start, which begins with an ordinary byte and ends with one. */
static size_t simple_run(const char *p, size_t n)
{
    size_t i = 1;
    while (i < n) {
        const char *cr = memchr(p + i, '\r', n - i);
        i = cr ? (size_t)(cr - p) : n;
        if (!cr || !is_plain_end(MOON_SIG_CANON_SIMPLE, p, n, i))
            break;
        i += 3;
    }
    return i;
}

static size_t relaxed_run(const char *p, size_t n)
{
    size_t i = 1;
    while (i < n) {
        i += plain_bytes(p + i, n - i);
        if (p[i] == '\r' && p[i - 1] != ' ' && is_plain_end(MOON_SIG_CANON_RELAXED, p, n, i))
            i += 3;
        else if (p[i] == '\r' || p[i] == '\t' || (p[i] == ' ' && n - i > 1 && p[i + 1] == ' '))
            break;
        else
            i++; /* near the end */
    }
    return p[i - 1] == ' ' ? i - 1 : i;
}

void moon_sig_body_add(struct moon_sig_body *body, struct moon_span chunk)
{
    bool relaxed = body->canon == MOON_SIG_CANON_RELAXED;

    for (size_t i = 0; i < chunk.n;) {
        char c = chunk.p[i];
        if (body->cr && c == '\n') { /* a line ends; white space before it goes */
            body->line_ends++;
            body->cr = body->space = false;
            i++;
            continue;
        }
        if (body->cr)
            put_held_back(body); /* a CR alone */
        if (c == '\r') {
            body->cr = true;
            i++;
        } else if (relaxed && moon_is_wsp(c)) {
            body->space = true;
            i++;
        } else {
            size_t n = (relaxed ? relaxed_run : simple_run)(chunk.p + i, chunk.n - i);
            if (body->line_ends || body->space)
                put_held_back(body);
            put(body, chunk.p + i, n);
            i += n;
        }
    }
}

void moon_sig_body_end(struct moon_sig_body *body)
{
    if (body->cr)
        put_held_back(body);
    /* RFC 6376 sections 3.4.3 and 3.4.4 */
    if (body->canon == MOON_SIG_CANON_SIMPLE || body->total_bytes > 0)
        put(body, "\r\n", 2);
}
