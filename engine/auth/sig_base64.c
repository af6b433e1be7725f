/* SPDX-License-Identifier: MIT
 *
 * sig_base64: RFC 4648 section 4 with the white space of RFC 6376 section 2.10. What is not exactly
 * base64 is refused: two readings of one signature are one too many.
 */
#include "engine/auth/sig_base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum moon_status moon_sig_base64_decode(struct moon_arena *arena, struct moon_span text,
                                        struct moon_span *bytes_r, bool *valid_r)
{
    uint32_t bits = 0;
    unsigned digits = 0, pads = 0;
    size_t n = 0;
    bool valid = true;
    char *out = moon_arena_alloc(arena, text.n / 4 * 3 + 3);

    *valid_r = false;
    *bytes_r = (struct moon_span){NULL, 0};
    if (!out)
        return MOON_ENOMEM;
    for (size_t i = 0; i < text.n && valid; i++) {
        char c = text.p[i];
        int value = value_of(c);
        if (moon_is_wsp(c) || c == '\r' || c == '\n')
            continue;
        if (c == '=') {
            pads++;
            continue;
        }
        valid = value >= 0 && pads == 0;
        bits = bits << 6 | (uint32_t)(value & 63);
        if (++digits % 4 == 0) {
            out[n++] = (char)(bits >> 16);
            out[n++] = (char)(bits >> 8);
            out[n++] = (char)bits;
            bits = 0;
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
    struct moon_buf buf = moon_buf_of(bytes);
    struct moon_str str;

    moon_str_begin(&str, arena);
    while (!moon_buf_at_end(&buf)) {
        size_t left = buf.left;
        uint32_t bits = (uint32_t)moon_buf_u8(&buf) << 16;
        if (left > 1)
            bits |= (uint32_t)moon_buf_u8(&buf) << 8;
        if (left > 2)
            bits |= moon_buf_u8(&buf);
        moon_str_add_char(&str, alphabet[bits >> 18 & 63]);
        moon_str_add_char(&str, alphabet[bits >> 12 & 63]);
        moon_str_add_char(&str, left > 1 ? alphabet[bits >> 6 & 63] : '=');
        moon_str_add_char(&str, left > 2 ? alphabet[bits & 63] : '=');
    }
    return moon_str_end(&str);
}
