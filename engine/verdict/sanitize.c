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

/* Does a line end at p and a continuation line with something in it follow? */
static bool is_fold(const char *p, const char *end)
{
    if (*p != '\n' || end - p < 2 || !moon_is_wsp(p[1]))
        return false;
    return moon_span_trim((struct moon_span){p + 1, strcspn(p + 1, "\n")}).n > 0;
}

/* How many bytes at p stay as they are, whatever stands around them. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (unsigned char)p[i] > 0x20 && p[i] != 0x7f)
        i++;
    return i;
}

/* The value's lines, none too long and none empty, as far as there is room. */
static void add_value(struct moon_str *str, struct moon_span value)
{
    const char *end = value.p + value.n;
    size_t line = str->length;
    bool solid = true; /* has the line more than white space? The first one has the name. */

    for (const char *p = value.p; p < end && str->length < MOON_FIELD_BYTES_MAX - 3; p++) {
        bool full = line >= MOON_FIELD_LINE_MAX - 1;
        size_t room = full ? 0 : MOON_FIELD_LINE_MAX - 1 - line;
        size_t left = MOON_FIELD_BYTES_MAX - 3 - str->length, n = (size_t)(end - p);
        n = plain_run(p, n < room ? n : room);
        n = n < left ? n : left;
        if (n) {
            moon_str_add_span(str, (struct moon_span){p, n});
            line += n;
            solid = true;
            p += n - 1;
            continue;
        }
        bool fold = is_fold(p, end);
        char c = *p;
        if (!solid && (fold || (full && moon_is_wsp(c))))
            continue; /* more white space than a line holds */
        if (fold || (full && solid)) {
            moon_str_add(str, fold ? "\n" : "\n ");
            line = fold ? 0 : 1;
            solid = false;
            if (fold)
                continue;
        }
        if (c == '\r' || c == '\n')
            c = ' ';
        else if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
            c = '?';
        moon_str_add_char(str, c);
        solid = solid || !moon_is_wsp(c);
        line++;
    }
}

enum moon_status moon_field_sanitize(struct moon_arena *arena, const char *field,
                                     const char **text_r)
{
    struct moon_span text = moon_span_trim(moon_span_of(field));
    struct moon_str str;
    struct moon_field parsed;
    bool is_field = false;

    *text_r = NULL;
    enum moon_status status = moon_field_parse(arena, text, &parsed, &is_field);
    if (status != MOON_OK || !is_field || parsed.name.n > MOON_FIELD_LINE_MAX / 2)
        return status;
    moon_str_begin(&str, arena);
    moon_str_add_span(&str, parsed.name);
    moon_str_add_char(&str, ':');
    add_value(&str, moon_span_sub(text, moon_span_find(text, ':') + 1, text.n));
    size_t n = str.length;
    char *clean = moon_str_end(&str);
    if (!clean)
        return MOON_ENOMEM;
    while (n > 0 && (moon_is_wsp(clean[n - 1]) || clean[n - 1] == '\n'))
        clean[--n] = '\0'; /* cut inside white space */
    *text_r = clean;
    return MOON_OK;
}
