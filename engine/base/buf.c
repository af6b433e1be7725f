/* SPDX-License-Identifier: MIT
 *
 * buf: spans and the checked cursor. libc only (the module in Exim is built with it).
 */
#include "engine/base/buf.h"

#include <string.h>

bool moon_span_eq_nocase(struct moon_span a, struct moon_span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (moon_lower(a.p[i]) != moon_lower(b.p[i]))
            return false;
    return true;
}

bool moon_span_is_nocase(struct moon_span a, const char *terminated)
{
    return moon_span_eq_nocase(a, moon_span_of(terminated));
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct moon_span moon_span_trim(struct moon_span a)
{
    while (a.n && is_space(a.p[0])) {
        a.p++;
        a.n--;
    }
    while (a.n && is_space(a.p[a.n - 1]))
        a.n--;
    return a;
}

struct moon_span moon_span_sub(struct moon_span a, size_t from, size_t n)
{
    if (from > a.n)
        from = a.n;
    if (n > a.n - from)
        n = a.n - from;
    return (struct moon_span){a.p ? a.p + from : NULL, n};
}

size_t moon_span_find(struct moon_span a, char c)
{
    const char *at = a.n ? memchr(a.p, c, a.n) : NULL;
    return at ? (size_t)(at - a.p) : (size_t)-1;
}

size_t moon_span_rfind(struct moon_span a, char c)
{
    for (size_t i = a.n; i > 0; i--)
        if (a.p[i - 1] == c)
            return i - 1;
    return (size_t)-1;
}

bool moon_span_number(struct moon_span a, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (a.n == 0)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (!moon_is_digit(a.p[i]))
            return false;
        uint64_t digit = (uint64_t)(a.p[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

int moon_hex_value(char c)
{
    if (moon_is_digit(c))
        return c - '0';
    c = moon_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is left is dropped: a loop that asks for the end or peeks must not wait for ever. */
static void give_up(struct moon_buf *buf)
{
    buf->failed = true;
    buf->left = 0;
}

struct moon_span moon_buf_take(struct moon_buf *buf, size_t n)
{
    if (buf->failed || n > buf->left) {
        give_up(buf);
        return (struct moon_span){NULL, 0};
    }
    struct moon_span taken = {buf->p, n};
    if (n) {
        buf->p += n;
        buf->left -= n;
    }
    return taken;
}

struct moon_span moon_buf_until(struct moon_buf *buf, char c)
{
    size_t at = moon_span_find((struct moon_span){buf->p, buf->left}, c);
    return moon_buf_take(buf, at == (size_t)-1 ? buf->left : at);
}

static uint64_t take_number(struct moon_buf *buf, size_t bytes)
{
    struct moon_span taken = moon_buf_take(buf, bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.n; i++)
        value = value << 8 | (unsigned char)taken.p[i];
    return value;
}

uint8_t moon_buf_u8(struct moon_buf *buf)
{
    return (uint8_t)take_number(buf, 1);
}

uint16_t moon_buf_u16(struct moon_buf *buf)
{
    return (uint16_t)take_number(buf, 2);
}

uint32_t moon_buf_u32(struct moon_buf *buf)
{
    return (uint32_t)take_number(buf, 4);
}

uint64_t moon_buf_u64(struct moon_buf *buf)
{
    return take_number(buf, 8);
}
