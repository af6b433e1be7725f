/* SPDX-License-Identifier: MIT
 *
 * json: the writer. Strings are escaped character by character between runs of plain ASCII; UTF-8
 * is checked against the table of RFC 3629 section 4, so that no overlong form and no surrogate
 * gets through.
 */
#include "engine/base/json.h"

#include <inttypes.h>

#include "engine/base/status.h"

void moon_json_begin(struct moon_json *json, struct moon_arena *arena)
{
    *json = (struct moon_json){.depth = 0};
    moon_str_begin(&json->str, arena);
}

char *moon_json_end(struct moon_json *json)
{
    if (MOON_BUG(json->depth != 0))
        return NULL;
    return moon_str_end(&json->str);
}

/* Bytes of the well-formed character at the start of s, or 0. */
static size_t utf8_length(struct moon_span s)
{
    const unsigned char *b = (const unsigned char *)s.p;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (b[0] < 0x80)
        return 1;
    if (b[0] >= 0xc2 && b[0] <= 0xdf) {
        n = 2;
    } else if (b[0] >= 0xe0 && b[0] <= 0xef) {
        n = 3;
        low = b[0] == 0xe0 ? 0xa0 : 0x80;
        high = b[0] == 0xed ? 0x9f : 0xbf;
    } else if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        n = 4;
        low = b[0] == 0xf0 ? 0x90 : 0x80;
        high = b[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (s.n < n || b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (b[i] < 0x80 || b[i] > 0xbf)
            return 0;
    return n;
}

/* How many bytes at the start of s stand for themselves and are ASCII: most of a record's. */
static size_t plain_length(struct moon_span s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
        n++;
    return n;
}

static void add_quoted(struct moon_str *str, struct moon_span s)
{
    moon_str_add_char(str, '"');
    for (;;) {
        size_t n = plain_length(s);
        moon_str_add_span(str, moon_span_sub(s, 0, n));
        s = moon_span_sub(s, n, s.n);
        if (s.n == 0)
            break;
        n = utf8_length(s);
        unsigned char c = (unsigned char)s.p[0];
        if (n == 0) {
            moon_str_add(str, "\xef\xbf\xbd");
            n = 1;
        } else if (c == '"' || c == '\\') {
            moon_str_add_char(str, '\\');
            moon_str_add_char(str, (char)c);
        } else if (c == '\n') {
            moon_str_add(str, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            moon_str_addf(str, "\\u%04x", c);
        } else {
            moon_str_add_span(str, (struct moon_span){s.p, n});
        }
        s = moon_span_sub(s, n, s.n);
    }
    moon_str_add_char(str, '"');
}

static void lead_in(struct moon_json *json, const char *key)
{
    if (json->comma[json->depth])
        moon_str_add_char(&json->str, ',');
    json->comma[json->depth] = true;
    if (key) {
        add_quoted(&json->str, moon_span_of(key));
        moon_str_add_char(&json->str, ':');
    }
}

static void open_bracket(struct moon_json *json, const char *key, char bracket)
{
    lead_in(json, key);
    moon_str_add_char(&json->str, bracket);
    if (MOON_BUG(json->depth + 1 >= MOON_JSON_DEPTH_MAX)) {
        json->str.failed = true;
        return;
    }
    json->comma[++json->depth] = false;
}

void moon_json_object(struct moon_json *json, const char *key)
{
    open_bracket(json, key, '{');
}

void moon_json_array(struct moon_json *json, const char *key)
{
    open_bracket(json, key, '[');
}

void moon_json_close(struct moon_json *json, char bracket)
{
    if (MOON_BUG(json->depth == 0)) {
        json->str.failed = true;
        return;
    }
    json->depth--;
    moon_str_add_char(&json->str, bracket);
}

void moon_json_string(struct moon_json *json, const char *key, const char *value)
{
    if (value) {
        moon_json_span(json, key, moon_span_of(value));
    } else {
        lead_in(json, key);
        moon_str_add(&json->str, "null");
    }
}

void moon_json_span(struct moon_json *json, const char *key, struct moon_span value)
{
    lead_in(json, key);
    add_quoted(&json->str, value);
}

void moon_json_int(struct moon_json *json, const char *key, int64_t value)
{
    lead_in(json, key);
    moon_str_addf(&json->str, "%" PRId64, value);
}

void moon_json_bool(struct moon_json *json, const char *key, bool value)
{
    lead_in(json, key);
    moon_str_add(&json->str, value ? "true" : "false");
}
