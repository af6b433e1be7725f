/* SPDX-License-Identifier: MIT
 *
 * json_read: 1. what may stand here: the first value, a comma and the next item, or the end of the
 * innermost object or array.  2. Of an object's member the key.  3. The value.
 */
#include "engine/base/json_read.h"

#include <string.h>

struct moon_json_reader moon_json_read(struct moon_span text)
{
    return (struct moon_json_reader){.buf = moon_buf_of(text)};
}

static void skip_space(struct moon_buf *buf)
{
    int c;
    while ((c = moon_buf_peek(buf)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        (void)moon_buf_byte(buf); /* was looked at */
}

static bool skip_word(struct moon_buf *buf, const char *word)
{
    struct moon_span rest = {buf->p, buf->left};
    size_t n = strlen(word);
    if (!moon_span_is(moon_span_sub(rest, 0, n), word))
        return false;
    (void)moon_buf_take(buf, n); /* was looked at */
    return true;
}

/* RFC 8259 section 7: from the opening quote to behind the closing one. */
static bool read_string(struct moon_buf *buf, struct moon_span *text_r)
{
    const char *start = buf->p + 1;
    if (!moon_buf_skip(buf, '"'))
        return false;
    for (;;) {
        int c = moon_buf_byte(buf);
        if (c == '"')
            break;
        if (c < 0x20) /* also the end: -1 */
            return false;
        if (c != '\\')
            continue;
        c = moon_buf_byte(buf);
        if (c == 'u') {
            for (int i = 0; i < 4; i++)
                if (moon_hex_value((char)moon_buf_byte(buf)) < 0)
                    return false;
        } else if (c <= 0 || !strchr("\"\\/bfnrt", c)) {
            return false;
        }
    }
    *text_r = (struct moon_span){start, (size_t)(buf->p - start) - 1};
    return true;
}

static bool read_digits(struct moon_buf *buf)
{
    return moon_buf_while(buf, moon_is_digit).n > 0;
}

/* RFC 8259 section 6. */
static bool read_number(struct moon_buf *buf, struct moon_span *text_r)
{
    const char *start = buf->p;
    (void)moon_buf_skip(buf, '-'); /* may be there */
    bool zero = moon_buf_peek(buf) == '0';
    struct moon_span digits = moon_buf_while(buf, moon_is_digit);
    if (digits.n == 0 || (zero && digits.n > 1))
        return false;
    if (moon_buf_skip(buf, '.') && !read_digits(buf))
        return false;
    if (moon_buf_skip(buf, 'e') || moon_buf_skip(buf, 'E')) {
        if (!moon_buf_skip(buf, '+'))
            (void)moon_buf_skip(buf, '-'); /* may be there */
        if (!read_digits(buf))
            return false;
    }
    *text_r = (struct moon_span){start, (size_t)(buf->p - start)};
    return true;
}

/* Step 3. BAD when it is no value. */
static enum moon_json_kind read_value(struct moon_json_reader *r, struct moon_json_token *token)
{
    int c = moon_buf_peek(&r->buf);
    if (c == '{' || c == '[') {
        (void)moon_buf_byte(&r->buf); /* was looked at */
        if (r->depth == MOON_JSON_DEPTH_MAX)
            return MOON_JSON_BAD;
        token->object = r->object[r->depth] = c == '{';
        r->filled[r->depth++] = false;
        return MOON_JSON_OPEN;
    }
    if (c == '"')
        return read_string(&r->buf, &token->text) ? MOON_JSON_STRING : MOON_JSON_BAD;
    if (skip_word(&r->buf, "true"))
        return MOON_JSON_TRUE;
    if (skip_word(&r->buf, "false"))
        return MOON_JSON_FALSE;
    if (skip_word(&r->buf, "null"))
        return MOON_JSON_NULL;
    return read_number(&r->buf, &token->text) ? MOON_JSON_NUMBER : MOON_JSON_BAD;
}

/* Steps 1 and 2. True: a value comes next. Else the kind is told. */
static bool read_before(struct moon_json_reader *r, struct moon_json_token *token)
{
    unsigned top = r->depth - 1;

    skip_space(&r->buf);
    if (r->depth == 0) {
        if (r->begun)
            token->kind = moon_buf_at_end(&r->buf) ? MOON_JSON_END : MOON_JSON_BAD;
        return !r->begun;
    }
    if (moon_buf_skip(&r->buf, r->object[top] ? '}' : ']')) {
        token->kind = MOON_JSON_CLOSE;
        token->object = r->object[top];
        r->depth--;
        return false;
    }
    token->kind = MOON_JSON_BAD;
    if (r->filled[top] && !moon_buf_skip(&r->buf, ','))
        return false;
    r->filled[top] = true;
    if (!r->object[top])
        return true;
    skip_space(&r->buf);
    if (!read_string(&r->buf, &token->key))
        return false;
    skip_space(&r->buf);
    return moon_buf_skip(&r->buf, ':');
}

struct moon_json_token moon_json_next(struct moon_json_reader *reader)
{
    struct moon_json_token token = {.kind = MOON_JSON_BAD};

    if (!reader->bad && read_before(reader, &token)) {
        reader->begun = true;
        skip_space(&reader->buf);
        token.kind = read_value(reader, &token);
    }
    reader->bad = token.kind == MOON_JSON_BAD;
    return token;
}

/* --- texts -------------------------------------------------------------------------------------
 */

static unsigned hex4(struct moon_buf *buf)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = moon_hex_value((char)moon_buf_byte(buf));
        value = value * 16 + (unsigned)(digit < 0 ? 0 : digit);
    }
    return value;
}

/* The character behind a backslash and 'u'; a pair of surrogates is one. */
static unsigned read_escape(struct moon_buf *buf)
{
    unsigned c = hex4(buf);
    if (c >= 0xd800 && c < 0xdc00 && moon_buf_peek(buf) == '\\' &&
        moon_buf_peek_at(buf, 1) == 'u') {
        struct moon_buf ahead = *buf;
        (void)moon_buf_take(&ahead, 2); /* was looked at */
        unsigned low = hex4(&ahead);
        if (low >= 0xdc00 && low < 0xe000) {
            *buf = ahead;
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return c == 0 || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c;
}

/* UTF-8 of a character: its bytes. */
static size_t encode(unsigned c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(leads[n] | c);
    return n;
}

/* The bytes of one character as it stands: a lead byte and what follows it. */
static size_t copy_plain(struct moon_buf *buf, char out[4])
{
    size_t n = 0;
    out[n++] = (char)moon_buf_byte(buf);
    while (n < 4 && (moon_buf_peek(buf) & 0xc0) == 0x80 && moon_buf_peek(buf) > 0)
        out[n++] = (char)moon_buf_byte(buf);
    return n;
}

void moon_json_text(struct moon_span text, char *out, size_t size)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    struct moon_buf buf = moon_buf_of(text);
    size_t used = 0;

    while (!moon_buf_at_end(&buf)) {
        char bytes[4];
        size_t n = 1;
        if (moon_buf_skip(&buf, '\\')) {
            int c = moon_buf_byte(&buf);
            const char *at = c > 0 ? strchr(from, c) : NULL;
            bytes[0] = at ? to[at - from] : (char)c;
            if (c == 'u')
                n = encode(read_escape(&buf), bytes);
        } else {
            n = copy_plain(&buf, bytes);
        }
        if (used + n >= size)
            break;
        memcpy(out + used, bytes, n);
        used += n;
    }
    out[used] = '\0';
}
