/* SPDX-License-Identifier: MIT
 *
 * name: between the text of a domain name and the bytes DNS carries. Text escapes are those of
 * master files (RFC 1035 section 5.1), so that a label with a dot or a NUL byte in it can neither
 * be confused with another name nor be lost.
 */
#include "engine/dns/name.h"

#include <string.h>

#include "engine/base/limits.h"

bool moon_dns_wire_add(struct moon_dns_wire *wire, struct moon_span label)
{
    if (label.n == 0 || label.n > MOON_LABEL_MAX || wire->length + 1 + label.n > MOON_DNS_WIRE_MAX)
        return false;
    wire->bytes[wire->length++] = (uint8_t)label.n;
    for (size_t i = 0; i < label.n; i++)
        wire->bytes[wire->length++] = (uint8_t)moon_lower(label.p[i]);
    return true;
}

bool moon_dns_wire_close(struct moon_dns_wire *wire)
{
    if (wire->length >= MOON_DNS_WIRE_MAX)
        return false;
    wire->bytes[wire->length++] = 0;
    return true;
}

int moon_dns_unescape(struct moon_buf *in)
{
    int c = moon_buf_byte(in);
    if (c < '0' || c > '9')
        return c;
    int value = c - '0';
    for (int i = 0; i < 2; i++) {
        c = moon_buf_byte(in);
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + c - '0';
    }
    return value <= 255 ? value : -1;
}

/* One label up to its dot or the end; nearly all are without escapes, and taken as they are. */
static bool parse_label(struct moon_buf *in, struct moon_dns_wire *wire)
{
    char label[MOON_LABEL_MAX];
    size_t n = 0;
    while (n < in->left && in->p[n] != '.' && in->p[n] != '\\')
        n++;
    if (n == in->left || in->p[n] == '.')
        return moon_dns_wire_add(wire, moon_buf_take(in, n));
    n = 0;
    while (!moon_buf_at_end(in) && moon_buf_peek(in) != '.') {
        int c = moon_buf_byte(in);
        if (c == '\\')
            c = moon_dns_unescape(in);
        if (c < 0 || n == sizeof label)
            return false;
        label[n++] = (char)c;
    }
    return moon_dns_wire_add(wire, (struct moon_span){label, n});
}

bool moon_dns_wire_parse(struct moon_span text, struct moon_dns_wire *wire_r)
{
    struct moon_buf in = moon_buf_of(text);
    memset(wire_r, 0, sizeof *wire_r);
    if (moon_span_is(text, "."))
        return moon_dns_wire_close(wire_r);
    if (text.n == 0)
        return false;
    do { /* at most 127 labels: each adds two bytes at least */
        if (!parse_label(&in, wire_r)) {
            wire_r->length = 0;
            return false;
        }
        (void)moon_buf_skip(&in, '.'); /* nothing behind it: the final dot */
    } while (!moon_buf_at_end(&in));
    if (!moon_dns_wire_close(wire_r)) {
        wire_r->length = 0;
        return false;
    }
    return true;
}

#define ESCAPED_MAX 4u /* \ and three digits */

/* Writes at most ESCAPED_MAX bytes; how many. */
static size_t escape(uint8_t byte, char *out)
{
    size_t n = 0;
    if (byte < 0x21 || byte > 0x7e) {
        out[n++] = '\\';
        out[n++] = (char)('0' + byte / 100);
        out[n++] = (char)('0' + byte / 10 % 10);
        out[n++] = (char)('0' + byte % 10);
        return n;
    }
    if (byte == '.' || byte == '\\')
        out[n++] = '\\';
    out[n++] = (char)byte;
    return n;
}

char *moon_dns_wire_text(struct moon_arena *arena, const struct moon_dns_wire *wire)
{
    char text[MOON_DNS_WIRE_MAX * ESCAPED_MAX];
    size_t n = 0;
    for (size_t at = 0; at < wire->length && wire->bytes[at]; at += 1u + wire->bytes[at]) {
        if (at)
            text[n++] = '.';
        for (size_t i = 1; i <= wire->bytes[at] && at + i < wire->length; i++)
            n += escape(wire->bytes[at + i], text + n);
    }
    return moon_arena_dup(arena, (struct moon_span){text, n});
}

bool moon_dns_wire_equal(const struct moon_dns_wire *a, const struct moon_dns_wire *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool moon_dns_wire_parent(const struct moon_dns_wire *wire, struct moon_dns_wire *parent_r)
{
    if (wire->length <= 1)
        return false;
    size_t first = 1u + wire->bytes[0];
    struct moon_dns_wire parent = {.length = (uint8_t)(wire->length - first)};
    memcpy(parent.bytes, wire->bytes + first, parent.length);
    *parent_r = parent;
    return true;
}

bool moon_dns_wire_below(const struct moon_dns_wire *wire, const struct moon_dns_wire *above)
{
    struct moon_dns_wire name = *wire;
    while (name.length > above->length) /* at most 127 labels */
        if (!moon_dns_wire_parent(&name, &name))
            return false;
    return moon_dns_wire_equal(&name, above);
}

uint32_t moon_dns_wire_hash(const struct moon_dns_wire *wire)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < wire->length; i++)
        hash = (hash ^ wire->bytes[i]) * 16777619u;
    return hash;
}
