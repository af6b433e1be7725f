/* SPDX-License-Identifier: MIT
 *
 * tokens: see the header. The forms are those of the reference manual of Lua 5.4, section 3.1.
 */
#include "lua/tokens.h"

struct moon_tokens moon_tokens_of(struct moon_span source)
{
    return (struct moon_tokens){moon_buf_of(source), 1};
}

static int next_byte(struct moon_tokens *s)
{
    int c = moon_buf_byte(&s->buf);
    if (c == '\n')
        s->line++;
    return c;
}

/* Behind [==[ : the level, or -1 when it is no long bracket. Takes nothing then. */
static int long_level(const struct moon_tokens *s)
{
    size_t i = 0;
    while (moon_buf_peek_at(&s->buf, i) == '=')
        i++;
    return moon_buf_peek_at(&s->buf, i) == '[' ? (int)i : -1;
}

static struct moon_span long_text(struct moon_tokens *s, int level)
{
    (void)moon_buf_take(&s->buf, (size_t)level + 1); /* was looked at */
    const char *start = s->buf.p;
    while (!moon_buf_at_end(&s->buf)) {
        if (next_byte(s) != ']')
            continue;
        int i = 0;
        while (i < level && moon_buf_peek_at(&s->buf, (size_t)i) == '=')
            i++;
        if (i == level && moon_buf_peek_at(&s->buf, (size_t)i) == ']') {
            struct moon_span text = {start, (size_t)(s->buf.p - start) - 1};
            (void)moon_buf_take(&s->buf, (size_t)level + 1); /* was looked at */
            return text;
        }
    }
    return (struct moon_span){NULL, 0};
}

static struct moon_span short_text(struct moon_tokens *s, int quote)
{
    const char *start = s->buf.p;
    while (!moon_buf_at_end(&s->buf)) {
        int c = next_byte(s);
        if (c == '\\')
            (void)next_byte(s); /* whatever it is */
        else if (c == quote || c == '\n')
            return (struct moon_span){start, (size_t)(s->buf.p - start) - 1};
    }
    return (struct moon_span){NULL, 0};
}

static void skip_comment(struct moon_tokens *s)
{
    if (moon_buf_skip(&s->buf, '[')) {
        int level = long_level(s);
        if (level >= 0) {
            (void)long_text(s, level); /* a comment */
            return;
        }
    }
    while (!moon_buf_at_end(&s->buf) && next_byte(s) != '\n') {
    }
}

static bool is_name_byte(char c)
{
    return moon_is_alnum(c) || c == '_';
}

/* A numeral; the sign of an exponent belongs to it: 1e+1 is one, 0xe+1 a sum. */
static struct moon_span number(struct moon_tokens *s)
{
    const char *start = s->buf.p;
    bool hex = moon_buf_peek(&s->buf) == '0' && (moon_buf_peek_at(&s->buf, 1) | 0x20) == 'x';
    char before = ' ';
    while (!moon_buf_at_end(&s->buf)) {
        char c = (char)moon_buf_peek(&s->buf);
        bool exponent = (c == '+' || c == '-') && moon_lower(before) == (hex ? 'p' : 'e');
        if (!exponent && c != '.' && !moon_is_alnum(c))
            break;
        before = c;
        (void)moon_buf_byte(&s->buf); /* was looked at */
    }
    return (struct moon_span){start, (size_t)(s->buf.p - start)};
}

/* The kind of a sign that starts with c, which is taken; its further bytes are taken here. */
static char sign(struct moon_tokens *s, int c)
{
    int next = moon_buf_peek(&s->buf);
    char kind = (char)c;
    if (c == '.' && next == '.')
        kind = moon_buf_peek_at(&s->buf, 1) == '.' ? MOON_TOKEN_DOTS : MOON_TOKEN_CONCAT;
    else if (next == '=' && (c == '=' || c == '~' || c == '<' || c == '>'))
        kind = c == '=' ? MOON_TOKEN_EQUAL : c == '~' ? MOON_TOKEN_UNEQUAL : MOON_TOKEN_ORDER;
    else if (c == ':' && next == ':')
        kind = MOON_TOKEN_LABEL;
    else if (c == next && (c == '<' || c == '>' || c == '/'))
        kind = MOON_TOKEN_DOUBLE;
    if (kind != (char)c)
        (void)moon_buf_take(&s->buf, kind == MOON_TOKEN_DOTS ? 2 : 1); /* was looked at */
    return kind;
}

static bool starts_number(const struct moon_buf *buf)
{
    int first = moon_buf_peek(buf), next = moon_buf_peek_at(buf, 1);
    return moon_is_digit((char)first) || (first == '.' && next >= 0 && moon_is_digit((char)next));
}

struct moon_token moon_tokens_next(struct moon_tokens *s)
{
    while (!moon_buf_at_end(&s->buf)) {
        struct moon_token token = {0, {s->buf.p, 1}, s->line};
        if (starts_number(&s->buf)) {
            token.text = number(s);
            token.kind = MOON_TOKEN_NUMBER;
            return token;
        }
        if (is_name_byte((char)moon_buf_peek(&s->buf))) {
            token.text = moon_buf_while(&s->buf, is_name_byte);
            token.kind = MOON_TOKEN_NAME;
            return token;
        }
        int c = next_byte(s);
        if (c <= ' ') /* white space, and what no source has */
            continue;
        if (c == '-' && moon_buf_skip(&s->buf, '-')) {
            skip_comment(s);
            continue;
        }
        int level = c == '[' ? long_level(s) : -1;
        if (c == '"' || c == '\'')
            token.text = short_text(s, c);
        else if (level >= 0)
            token.text = long_text(s, level);
        token.kind = c == '"' || c == '\'' || level >= 0 ? MOON_TOKEN_TEXT : sign(s, c);
        return token;
    }
    return (struct moon_token){MOON_TOKEN_END, {NULL, 0}, s->line};
}
