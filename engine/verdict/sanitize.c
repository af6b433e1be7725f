/* SPDX-License-Identifier: MIT
 *
 * sanitize (decide.h): text of policies and strangers made safe for SMTP replies and header fields.
 */
#include "engine/verdict/decide.h"

#include <string.h>

#include "engine/base/limits.h"

static bool is_printable(char c)
{
    return c >= 0x20 && c < 0x7f;
}

char *moon_reply_text(struct moon_arena *arena, const char *esc, const char *text)
{
    struct moon_buf buf = moon_buf_of(moon_span_of(text));
    struct moon_str str;
    size_t lines = 0;

    moon_str_begin(&str, arena);
    while (!moon_buf_at_end(&buf) && lines < MOON_REPLY_LINES_MAX) {
        struct moon_span line = moon_span_trim(moon_buf_until(&buf, '\n'));
        (void)moon_buf_skip(&buf, '\n'); /* not there behind the last line */
        if (line.n == 0)
            continue;
        moon_str_addf(&str, "%s%s ", lines++ ? "\n" : "", esc);
        line.n = line.n > MOON_REPLY_LINE_MAX ? MOON_REPLY_LINE_MAX : line.n;
        for (size_t i = 0; i < line.n; i++)
            moon_str_add_char(&str, is_printable(line.p[i]) ? line.p[i] : '?');
    }
    if (lines == 0)
        moon_str_addf(&str, "%s Policy", esc);
    return moon_str_end(&str);
}

enum moon_status moon_field_sanitize(struct moon_arena *arena, const char *field,
                                     const char **text_r)
{
    struct moon_span text = moon_span_trim(moon_span_of(field));
    struct moon_str str;
    size_t line = 0;
    struct moon_field parsed;
    bool is_field = false;

    *text_r = NULL;
    enum moon_status status = moon_field_parse(arena, text, &parsed, &is_field);
    if (status != MOON_OK || !is_field)
        return status;
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < text.n && str.length < MOON_FIELD_BYTES_MAX; i++) {
        char c = text.p[i];
        bool fold =
            c == '\n' && i + 1 < text.n && moon_is_wsp(text.p[i + 1]) &&
            moon_span_trim((struct moon_span){text.p + i, strcspn(text.p + i + 1, "\n") + 1}).n;
        if (fold || line >= MOON_FIELD_LINE_MAX - 1) {
            moon_str_add(&str, fold ? "\n" : "\n ");
            line = 0;
            if (fold)
                continue;
        }
        if (c == '\r' || c == '\n')
            c = ' ';
        else if ((unsigned char)c < 0x20 && c != '\t')
            c = '?';
        moon_str_add_char(&str, c);
        line++;
    }
    *text_r = moon_str_end(&str);
    return *text_r ? MOON_OK : MOON_ENOMEM;
}
