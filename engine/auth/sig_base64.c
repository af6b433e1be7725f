/* SPDX-License-Identifier: MIT
 *
 * sig_base64: RFC 4648 section 4 with the white space of RFC 6376 section 2.10. What is not exactly
 * base64 is refused: two readings of one signature are one too many.
 */
#include "engine/auth/sig_base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: not in the alphabet. A table, from '+' to 'z': which range the next digit is of cannot be
 * foreseen, and each wrong guess of the processor's costs as much as ten digits. Of what is no
 * digit it has 0. */
static int value_of(char c)
{
    static const unsigned char one_more['z' - '+' + 1] = {
        63, 0,  0,  0,  64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,  0,  0,  0,  0,
        0,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18,
        19, 20, 21, 22, 23, 24, 25, 26, 0,  0,  0,  0,  0,  0,  27, 28, 29, 30, 31, 32,
        33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52};
    return c >= '+' && c <= 'z' ? one_more[c - '+'] - 1 : -1;
}

/* Groups of four digits, as many as there are: what most of every base64string is. Returns the
 * bytes read; three quarters of them are written. */
static size_t decode_groups(struct moon_span text, char *out)
{
    size_t i = 0;

    for (; text.n - i >= 4; i += 4) {
        int a = value_of(text.p[i]), b = value_of(text.p[i + 1]);
        int c = value_of(text.p[i + 2]), d = value_of(text.p[i + 3]);
        if ((a | b | c | d) < 0)
            break;
        *out++ = (char)(a << 2 | b >> 4);
        *out++ = (char)(b << 4 | c >> 2);
        *out++ = (char)(c << 6 | d);
    }
    return i;
}

enum moon_status moon_sig_base64_decode(struct moon_arena *arena, struct moon_span text,
                                        struct moon_span *bytes_r, bool *valid_r)
{
    uint32_t bits = 0;
    unsigned digits = 0, pads = 0;
    size_t n = 0;
    bool valid = true;
    char *out = moon_arena_raw(arena, text.n); /* a digit is less than a byte */

    *valid_r = false;
    *bytes_r = (struct moon_span){NULL, 0};
    if (!out)
        return MOON_ENOMEM;
    for (size_t i = 0; i < text.n && valid; i++) {
        if (digits % 4 == 0 && pads == 0) {
            size_t read = decode_groups(moon_span_sub(text, i, text.n), out + n);
            n += read / 4 * 3;
            i += read;
            if (i == text.n)
                break;
        }
        char c = text.p[i];
        int value = value_of(c);
        if (value < 0) {
            bool fws = moon_is_wsp(c) || c == '\r' || c == '\n';
            valid = fws || c == '=';
            pads += !fws;
            continue;
        }
        valid = pads == 0;
        bits = bits << 6 | (uint32_t)value;
        if (++digits % 4 == 0) {
            out[n++] = (char)(bits >> 16);
            out[n++] = (char)(bits >> 8);
            out[n++] = (char)bits; /* what is above is shifted out */
        }
    }
    unsigned rest = digits % 4;
    if (rest == 0)
        valid = valid && pads == 0;
    else if (rest == 1)
        valid = false;
    else
        valid = valid && pads == 4 - rest && (bits & (rest == 2 ? 0xfu : 0x3u)) == 0;
    if (valid && rest == 2)
        out[n++] = (char)(bits >> 4);
    if (valid && rest == 3) {
        out[n++] = (char)(bits >> 10);
        out[n++] = (char)(bits >> 2);
    }
    *valid_r = valid && n > 0;
    if (*valid_r)
        *bytes_r = (struct moon_span){out, n};
    return MOON_OK;
}

char *moon_sig_base64_encode(struct moon_arena *arena, struct moon_span bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *out = moon_arena_raw(arena, (bytes.n + 2) / 3 * 4 + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t bits = (uint32_t)p[i] << 16;
        if (left > 1)
            bits |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            bits |= p[i + 2];
        out[n++] = alphabet[bits >> 18 & 63];
        out[n++] = alphabet[bits >> 12 & 63];
        out[n++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        out[n++] = left > 2 ? alphabet[bits & 63] : '=';
    }
    if (out)
        out[n] = '\0';
    return out;
}
