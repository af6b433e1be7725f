/* SPDX-License-Identifier: MIT
 *
 * message: header fields out of text (RFC 5322 section 2.2), and finding them.
 *
 * Whole messages: 1. take a line and its continuation lines.  2. If it is a field, keep it.  3. An
 * empty line, or a line that is no field, ends the header; as in Exim, the latter starts the body.
 */
#include "engine/message/message.h"

#include <string.h>

/* Is there anything that Exim or the wire would have written differently? Of a field. */
static bool needs_cleaning(struct moon_span text)
{
    if (memchr(text.p, '\0', text.n))
        return true;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            return true;
    return false;
}

/* LF -> CRLF, NUL -> '?'. False without memory. */
static bool clean(struct moon_arena *arena, struct moon_span *text)
{
    size_t lines = 0, n = 0;
    for (size_t i = 0; i < text->n; i++)
        lines += text->p[i] == '\n';
    char *copy = moon_arena_raw(arena, text->n + lines + 1);
    if (!copy)
        return false;
    for (size_t i = 0; i < text->n; i++) {
        char c = text->p[i];
        if (c == '\n' && (i == 0 || text->p[i - 1] != '\r'))
            copy[n++] = '\r';
        copy[n++] = c == '\0' ? '?' : c;
    }
    *text = (struct moon_span){copy, n};
    return true;
}

/* White space between a name and its colon (RFC 5322 section 4.5.8). A fold, VT and FF too:
 * Exim takes such a line for a field, so whoever looks for forged ones must see it. */
static size_t skip_fws(struct moon_span text, size_t at)
{
    for (;;) {
        size_t end = at; /* of a line end, if there is one */
        if (end < text.n && text.p[end] == '\r')
            end++;
        if (end < text.n && text.p[end] == '\n')
            end++;
        if (end == text.n || (end > at && text.p[end - 1] != '\n'))
            return at;
        char c = text.p[end];
        if (!moon_is_wsp(c) && (end > at || (c != '\v' && c != '\f')))
            return at;
        at = end + 1;
    }
}

/* Length of the field name at the start of the text, and of name with white space; 0: no field. */
static size_t name_length(struct moon_span text, size_t *with_wsp_r)
{
    size_t n = 0;
    while (n < text.n && text.p[n] > 0x20 && text.p[n] < 0x7f && text.p[n] != ':')
        n++;
    size_t colon = skip_fws(text, n);
    if (colon >= text.n || text.p[colon] != ':')
        return 0;
    *with_wsp_r = colon;
    return n;
}

enum moon_status moon_field_parse(struct moon_arena *arena, struct moon_span text,
                                  struct moon_field *field_r, bool *is_field_r)
{
    size_t with_wsp = 0;
    size_t name = name_length(text, &with_wsp);

    *is_field_r = name > 0;
    if (name == 0)
        return MOON_OK;
    if (text.p[text.n - 1] == '\n')
        text.n -= text.p[text.n - 2] == '\r' ? 2 : 1; /* behind a name and a colon */
    if (needs_cleaning(text) && !clean(arena, &text))
        return MOON_ENOMEM;
    (void)name_length(text, &with_wsp); /* cleaning moves the colon of a folded name */
    *field_r = (struct moon_field){.name = moon_span_sub(text, 0, name),
                                   .value = moon_span_sub(text, with_wsp + 1, text.n),
                                   .raw = text};
    return MOON_OK;
}

/* The line at the cursor with its line end, and all lines that continue it. */
static struct moon_span take_folded(struct moon_buf *buf)
{
    const char *start = buf->p;
    size_t n = 0;
    do {
        n += moon_buf_until(buf, '\n').n;
        n += moon_buf_skip(buf, '\n') ? 1 : 0;
    } while (moon_buf_peek(buf) == ' ' || moon_buf_peek(buf) == '\t');
    return (struct moon_span){start, n};
}

enum moon_status moon_message_parse(struct moon_arena *arena, struct moon_span text,
                                    struct moon_message *msg, struct moon_error *error)
{
    struct moon_buf buf = moon_buf_of(text);

    msg->fields = NULL;
    msg->field_count = 0;
    while (!moon_buf_at_end(&buf)) {
        struct moon_buf before = buf;
        struct moon_span line = take_folded(&buf);
        struct moon_field field;
        bool is_field;
        enum moon_status status = moon_field_parse(arena, line, &field, &is_field);
        if (status != MOON_OK)
            return moon_fail(error, status, "no memory for the header");
        if (!is_field) {
            buf = before;
            (void)moon_buf_skip(&before, '\r'); /* there is none where line ends are LF */
            if (moon_buf_skip(&before, '\n'))
                buf = before; /* the empty line; without one the body starts with this line */
            break;
        }
        if (msg->field_count == MOON_FIELDS_MAX || text.n - buf.left > MOON_HEADER_BYTES_MAX)
            return moon_fail(error, MOON_EBUDGET, "the header is larger than %u bytes or %u fields",
                             MOON_HEADER_BYTES_MAX, MOON_FIELDS_MAX);
        field.index = (uint32_t)msg->field_count;
        msg->fields = moon_arena_append(arena, msg->fields, msg->field_count, sizeof field);
        if (!msg->fields) {
            msg->field_count = 0;
            return moon_fail(error, MOON_ENOMEM, "no memory for the header");
        }
        msg->fields[msg->field_count++] = field;
    }
    msg->body =
        (struct moon_body){.memory = {buf.p, buf.left}, .fd = -1, .size_bytes = (int64_t)buf.left};
    return MOON_OK;
}

const struct moon_field *moon_message_field(const struct moon_message *msg, const char *name,
                                            const struct moon_field *after, bool with_removed)
{
    struct moon_span wanted = moon_span_of(name);
    size_t i = after ? (size_t)(after - msg->fields) + 1 : 0;

    for (; i < msg->field_count; i++) {
        const struct moon_field *field = &msg->fields[i];
        if ((with_removed || !field->removed) && moon_span_eq_nocase(field->name, wanted))
            return field;
    }
    return NULL;
}

unsigned moon_message_draw(const struct moon_message *msg, const char *salt)
{
    const struct moon_field *id = moon_message_field(msg, "Message-ID", NULL, false);
    struct moon_span parts[3] = {moon_span_of(msg->id), id ? id->value : MOON_SPAN(""),
                                 moon_span_of(salt)};
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < parts[k].n; i++)
            hash = (hash ^ (unsigned char)parts[k].p[i]) * 16777619u;
    return hash % 100;
}

size_t moon_message_count(const struct moon_message *msg, const char *name, bool with_removed)
{
    size_t count = 0;
    const struct moon_field *field = NULL;
    while ((field = moon_message_field(msg, name, field, with_removed)))
        count++;
    return count;
}

char *moon_field_text(struct moon_arena *arena, const struct moon_field *field)
{
    struct moon_span value = moon_span_trim(field->value);
    char *text = moon_arena_raw(arena, value.n + 1);
    size_t n = 0;

    if (!text)
        return NULL;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != '\r' && value.p[i] != '\n') {
            text[n++] = value.p[i];
            continue;
        }
        /* A fold: its line end and the white space behind it become one SP. */
        while (i + 1 < value.n &&
               (moon_is_wsp(value.p[i + 1]) || value.p[i + 1] == '\r' || value.p[i + 1] == '\n'))
            i++;
        text[n++] = ' ';
    }
    text[n] = '\0';
    return text;
}
