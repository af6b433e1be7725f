/* SPDX-License-Identifier: MIT
 *
 * utf8: one character of RFC 3629, checked.
 */
#include "engine/message/utf8.h"

static size_t utf8_length(int lead)
{
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

bool moon_utf8_take(struct moon_buf *in)
{
    int lead = moon_buf_byte(in), second = moon_buf_peek(in);
    size_t length = utf8_length(lead);

    if (length == 0 || (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        return false;
    for (size_t i = 1; i < length; i++) {
        int next = moon_buf_byte(in);
        if (next < 0x80 || next > 0xbf)
            return false;
    }
    return true;
}
