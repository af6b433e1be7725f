/* SPDX-License-Identifier: MIT
 *
 * tags: tag-list = tag-spec *( ";" tag-spec ) [ ";" ]   (RFC 6376 section 3.2)
 *
 * 1. Cut at semicolons.  2. Cut each spec at its first '='.  3. Check name and value bytes.
 * 4. Refuse a name that was there before.
 */
#include "engine/message/tags.h"

#include "engine/base/limits.h"
#include "engine/message/utf8.h"

static bool name_is_valid(struct moon_span name)
{
    if (name.n == 0 || !moon_is_alpha(name.p[0]))
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (!moon_is_alnum(name.p[i]) && name.p[i] != '_')
            return false;
    return true;
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Inside a value, after trimming: VALCHAR, UTF-8, WSP, and CRLF only before WSP. Semicolons cannot
 * be there any more. */
static bool value_is_valid(struct moon_span value)
{
    struct moon_buf in = moon_buf_of(value);

    while (!moon_buf_at_end(&in)) {
        if (moon_buf_while(&in, is_plain).n)
            continue;
        int c = moon_buf_peek(&in);
        if (c >= 0x80) {
            if (!moon_utf8_take(&in))
                return false;
            continue;
        }
        (void)moon_buf_byte(&in); /* it is c */
        if (c == '\r') {
            if (!moon_buf_skip(&in, '\n') ||
                (!moon_buf_skip(&in, ' ') && !moon_buf_skip(&in, '\t')))
                return false;
        } else if (c != '\t') {
            return false;
        }
    }
    return true;
}

/* Trims FWS; a line end that does not belong to a fold makes the list invalid. */
static bool trim_fws(struct moon_span *span)
{
    struct moon_span trimmed = moon_span_trim(*span);
    size_t before = (size_t)(trimmed.p - span->p);
    bool ok = true;
    for (size_t i = 0; i < span->n; i++) {
        if (i == before)
            i += trimmed.n;
        if (i >= span->n)
            break;
        char next = i + 1 < span->n ? span->p[i + 1] : '\0';
        if (span->p[i] == '\r' && next != '\n')
            ok = false;
        if (span->p[i] == '\n' && (i == 0 || span->p[i - 1] != '\r' || !moon_is_wsp(next)))
            ok = false;
    }
    *span = trimmed;
    return ok;
}

/* One spec into *tag_r; NULL, or what is wrong with it. */
static const char *parse_spec(struct moon_span spec, const struct moon_tags *so_far,
                              struct moon_tag *tag_r)
{
    size_t equals = moon_span_find(spec, '=');
    if (equals == (size_t)-1)
        return moon_span_trim(spec).n ? "a tag without '='" : "an empty tag";
    struct moon_tag tag = {moon_span_sub(spec, 0, equals), moon_span_sub(spec, equals + 1, spec.n)};
    if (!trim_fws(&tag.name) || !trim_fws(&tag.value) || !value_is_valid(tag.value))
        return "a byte that tag lists do not allow";
    if (!name_is_valid(tag.name))
        return "a tag name that is none";
    for (size_t i = 0; i < so_far->count; i++)
        if (moon_span_eq(so_far->items[i].name, tag.name))
            return "a tag that occurs twice";
    *tag_r = tag;
    return NULL;
}

enum moon_status moon_tags_parse(struct moon_arena *arena, struct moon_span text,
                                 struct moon_tags *tags_r, const char **reason_r)
{
    struct moon_buf buf = moon_buf_of(text);
    const char *reason = NULL;

    *tags_r = (struct moon_tags){NULL, 0};
    do {
        struct moon_span spec = moon_buf_until(&buf, ';');
        bool last = moon_buf_at_end(&buf);
        if (last && tags_r->count && moon_span_trim(spec).n == 0)
            break; /* behind a final semicolon */
        if (tags_r->count == MOON_SIG_TAGS_MAX) {
            reason = "too many tags";
            break;
        }
        struct moon_tag tag;
        reason = parse_spec(spec, tags_r, &tag);
        if (reason)
            break;
        tags_r->items = moon_arena_append(arena, tags_r->items, tags_r->count, sizeof tag);
        if (!tags_r->items) {
            tags_r->count = 0;
            return MOON_ENOMEM;
        }
        tags_r->items[tags_r->count++] = tag;
    } while (moon_buf_skip(&buf, ';'));

    if (reason)
        tags_r->count = 0;
    *reason_r = reason;
    return MOON_OK;
}

const struct moon_tag *moon_tags_find(const struct moon_tags *tags, const char *name)
{
    for (size_t i = 0; i < tags->count; i++)
        if (moon_span_is(tags->items[i].name, name))
            return &tags->items[i];
    return NULL;
}
