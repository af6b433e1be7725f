/* SPDX-License-Identifier: MIT
 *
 * buf: the one checked way to walk bytes that come from outside. A span is a borrowed run of bytes;
 * a buf is a cursor over one. No call reads outside the run, whatever the arguments; libc only, so
 * that the module in Exim can use it too. The smallest are here in full: they are called for every
 * byte of a header.
 */
#ifndef MOON_BASE_BUF_H
#define MOON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not terminated. {NULL, 0} is the empty span. */
struct moon_span {
    const char *p;
    size_t n;
};

#define MOON_SPAN(literal) ((struct moon_span){(literal), sizeof(literal) - 1})
/* NULL gives the empty span. */
static inline struct moon_span moon_span_of(const char *terminated)
{
    return (struct moon_span){terminated, terminated ? strlen(terminated) : 0};
}
static inline bool moon_span_eq(struct moon_span a, struct moon_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* ASCII letters compare without case; no locale. */
bool moon_span_eq_nocase(struct moon_span a, struct moon_span b);
static inline bool moon_span_is(struct moon_span a, const char *terminated)
{
    return moon_span_eq(a, moon_span_of(terminated));
}
bool moon_span_is_nocase(struct moon_span a, const char *terminated);
/* Without SP, HTAB, CR, LF at both ends. */
struct moon_span moon_span_trim(struct moon_span a);
/* Part from `from`, at most `n` bytes; cut to what is there. */
struct moon_span moon_span_sub(struct moon_span a, size_t from, size_t n);
/* Offset of the first / last `c`, or (size_t)-1. */
size_t moon_span_find(struct moon_span a, char c);
size_t moon_span_rfind(struct moon_span a, char c);
/* Decimal digits only, all of it, no sign, no space, at most `max`; false otherwise. */
bool moon_span_number(struct moon_span a, uint64_t max, uint64_t *out);

/* ASCII classes without locale; safe for any char value. */
static inline bool moon_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool moon_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool moon_is_alnum(char c)
{
    return moon_is_alpha(c) || moon_is_digit(c);
}
/* SP or HTAB. */
static inline bool moon_is_wsp(char c)
{
    return c == ' ' || c == '\t';
}
static inline char moon_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
static inline char moon_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}
int moon_hex_value(char c); /* 0..15, or -1 */

/* The cursor. `failed` is sticky: once a read asked for more than is left, every later read gives
 * zero or the empty span and `failed` stays true, so that a parser may check once at the end. What
 * was left is dropped then: the cursor is at its end, so that no loop waits for ever. */
struct moon_buf {
    const char *p;
    size_t left;
    bool failed;
};
static inline struct moon_buf moon_buf_of(struct moon_span span)
{
    return (struct moon_buf){span.p, span.n, false};
}
static inline bool moon_buf_at_end(const struct moon_buf *buf)
{
    return buf->left == 0;
}
/* 0..255, or -1 at the end; i bytes ahead. */
static inline int moon_buf_peek_at(const struct moon_buf *buf, size_t i)
{
    return i < buf->left ? (unsigned char)buf->p[i] : -1;
}
static inline int moon_buf_peek(const struct moon_buf *buf)
{
    return moon_buf_peek_at(buf, 0);
}
/* 0..255; -1 and failed at the end. */
static inline int moon_buf_byte(struct moon_buf *buf)
{
    if (buf->left == 0 || buf->failed) {
        buf->failed = true;
        buf->left = 0;
        return -1;
    }
    buf->left--;
    return (unsigned char)*buf->p++;
}
/* Takes c if it is next. */
static inline bool moon_buf_skip(struct moon_buf *buf, char c)
{
    if (buf->failed || moon_buf_peek(buf) != (unsigned char)c)
        return false;
    buf->p++;
    buf->left--;
    return true;
}
struct moon_span moon_buf_take(struct moon_buf *buf, size_t n);
struct moon_span moon_buf_until(struct moon_buf *buf, char c); /* up to c or the end; c stays */
static inline struct moon_span moon_buf_while(struct moon_buf *buf, bool (*is)(char c))
{
    size_t n = 0;
    while (n < buf->left && is(buf->p[n]))
        n++;
    return moon_buf_take(buf, n);
}
/* Network byte order. */
uint8_t moon_buf_u8(struct moon_buf *buf);
uint16_t moon_buf_u16(struct moon_buf *buf);
uint32_t moon_buf_u32(struct moon_buf *buf);
uint64_t moon_buf_u64(struct moon_buf *buf);

#endif
