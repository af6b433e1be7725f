/* SPDX-License-Identifier: MIT
 *
 * lines: follows the braces of a source, token by token (tokens.c). A key is a name, or
 * ["a text"], before "="; an item is what follows "{", "," or ";".
 */
#include "lua/lines.h"

#include <stdio.h>
#include <string.h>

#include "lua/tokens.h"

#define DEPTH_MAX      16u
#define PATH_MAX_BYTES 256u

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
    struct moon_tokens s = moon_tokens_of(source);
    struct level levels[DEPTH_MAX + 1] = {{{NULL, 0}, 0}};
    struct search search = {path, 0, 1};
    struct moon_token token, before = {0, {NULL, 0}, 1}, earlier = before;
    unsigned depth = 0;
    bool begins = false; /* the next token begins an item */

    while ((token = moon_tokens_next(&s)).kind) {
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
            const struct moon_token *key = before.kind == 'n' ? &before : &earlier;
            level->key = key->text;
            level->place--;
            offer(&search, levels, depth, key->line);
        }
        earlier = before;
        before = token;
    }
    return search.line;
}

void moon_lines_items(struct moon_span source, int *lines_r, size_t count)
{
    struct moon_tokens s = moon_tokens_of(source);
    struct moon_token token;
    unsigned depth = 0;
    size_t place = 0;   /* items begun in the outermost table */
    int before = 0;     /* what lines_r said of the last one: it may turn out to be a key */
    unsigned since = 0; /* tokens of that item, as far as they may be a key */
    bool begins = false, key = false;

    for (size_t i = 0; i < count; i++)
        lines_r[i] = 0;
    while ((token = moon_tokens_next(&s)).kind) {
        if (key && token.kind != '=' && place-- <= count)
            lines_r[place] = before; /* NAME = or ["text"] =, and no comparison */
        key = false;
        since++;
        if (begins && depth == 1 && token.kind != '}') {
            before = place < count ? lines_r[place] : 0;
            if (place < count)
                lines_r[place] = token.line;
            place++;
            since = 0;
        }
        begins = token.kind == '{' || (depth == 1 && (token.kind == ',' || token.kind == ';'));
        if (token.kind == '{' && ++depth == 1)
            place = 0;
        else if (token.kind == '}' && depth)
            depth--;
        else if (token.kind == '=' && depth == 1 && place && (since == 1 || since == 3))
            key = true;
    }
}
