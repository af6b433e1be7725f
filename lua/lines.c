/* SPDX-License-Identifier: MIT
 *
 * lines: reads a source as tokens (names, texts, numbers, signs; comments left out) and follows the
 * braces. A key is a name, or ["a text"], before "="; an item is what follows "{", "," or ";".
 */
#include "lua/lines.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX      16u
#define PATH_MAX_BYTES 256u

struct scanner {
    struct moon_buf buf;
    int line;
};

struct token {
    char kind; /* 'n' name, 's' text, or the sign; 0 at the end */
    struct moon_span text;
    int line;
};

static int next_byte(struct scanner *s)
{
    int c = moon_buf_byte(&s->buf);
    if (c == '\n')
        s->line++;
    return c;
}

/* Behind [==[ : the level, or -1 when it is no long bracket. Takes nothing then. */
static int long_level(const struct scanner *s)
{
    size_t i = 0;
    while (moon_buf_peek_at(&s->buf, i) == '=')
        i++;
    return moon_buf_peek_at(&s->buf, i) == '[' ? (int)i : -1;
}

static struct moon_span long_text(struct scanner *s, int level)
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

static struct moon_span short_text(struct scanner *s, int quote)
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

static void skip_comment(struct scanner *s)
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

static struct token next_token(struct scanner *s)
{
    while (!moon_buf_at_end(&s->buf)) {
        struct token token = {0, {s->buf.p, 1}, s->line};
        if (is_name_byte((char)moon_buf_peek(&s->buf))) {
            token.text = moon_buf_while(&s->buf, is_name_byte);
            token.kind = 'n';
            return token;
        }
        int c = next_byte(s);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
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
        token.kind = c == '"' || c == '\'' || level >= 0 ? 's' : (char)c;
        return token;
    }
    return (struct token){0, {NULL, 0}, s->line};
}

struct level {
    struct moon_span key; /* of the item being read; empty: it has a place */
    unsigned place;
};

/* "1.dns.timeout_ms": the path of the item being read. */
static void path_of(const struct level *levels, unsigned depth, char path[PATH_MAX_BYTES])
{
    size_t used = 0;
    path[0] = '\0';
    for (unsigned i = 0; i < depth && used < PATH_MAX_BYTES; i++) {
        const struct moon_span key = levels[i].key;
        int n = key.n ? snprintf(path + used, PATH_MAX_BYTES - used, "%s%.*s", i ? "." : "",
                                 (int)(key.n < 100 ? key.n : 100), key.p)
                      : snprintf(path + used, PATH_MAX_BYTES - used, "%s%u", i ? "." : "",
                                 levels[i].place);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* How many bytes of the wanted path does `path` cover? 0 when it is none of its beginnings. */
static size_t covers(const char *path, const char *wanted)
{
    size_t n = strlen(path);
    return n && !strncmp(path, wanted, n) && (wanted[n] == '\0' || wanted[n] == '.') ? n : 0;
}

struct search {
    const char *wanted;
    size_t best;
    int line;
};

static void offer(struct search *search, const struct level *levels, unsigned depth, int line)
{
    char path[PATH_MAX_BYTES];
    if (depth == 0 || depth > DEPTH_MAX)
        return;
    path_of(levels, depth, path);
    size_t n = covers(path, search->wanted);
    if (n > search->best || (n && n == search->best && path[n - 1] == search->wanted[n - 1] &&
                             depth == 1 && search->wanted[n] == '\0')) {
        search->best = n;
        search->line = line;
    }
}

int moon_lines_find(struct moon_span source, const char *path)
{
    struct scanner s = {moon_buf_of(source), 1};
    struct level levels[DEPTH_MAX + 1] = {{{NULL, 0}, 0}};
    struct search search = {path, 0, 1};
    struct token token, before = {0, {NULL, 0}, 1}, earlier = before;
    unsigned depth = 0;
    bool begins = false; /* the next token begins an item */

    while ((token = next_token(&s)).kind) {
        struct level *level = depth && depth <= DEPTH_MAX ? &levels[depth - 1] : NULL;
        if (begins && level && token.kind != '}') {
            level->place++;
            level->key = (struct moon_span){NULL, 0};
            offer(&search, levels, depth, token.line);
            begins = false;
        }
        if (token.kind == '{') {
            if (++depth <= DEPTH_MAX)
                levels[depth - 1] = (struct level){{NULL, 0}, 0};
            begins = true;
        } else if (token.kind == '}' && depth) {
            depth--;
            begins = false;
        } else if (token.kind == ',' || token.kind == ';') {
            begins = true;
        } else if (token.kind == '=' && level && level->key.n == 0 &&
                   (before.kind == 'n' || (before.kind == ']' && earlier.kind == 's'))) {
            const struct token *key = before.kind == 'n' ? &before : &earlier;
            level->key = key->text;
            level->place--;
            offer(&search, levels, depth, key->line);
        }
        earlier = before;
        before = token;
    }
    return search.line;
}
