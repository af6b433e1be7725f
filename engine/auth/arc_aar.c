/* SPDX-License-Identifier: MIT
 *
 * arc_aar (RFC 8617 section 4.1.1): from "i=1; mx.example; spf=pass smtp.mailfrom=a@b; ..." to
 * results. What a sealer wrote carries words of strangers, so that each result must be well-formed
 * as a whole or is left out.
 *
 * 1. i=N;  2. authserv-id  3. Cut at semicolons that are in no quoted string and no comment.
 * 4. Each piece: method [/version] = result [reason=value] *(ptype.property=value)
 *
 * Wider than the grammar in two points that large sites need: a property may have no ptype
 * ("action=none"), and a value may have any visible character without quotes.
 */
#include "engine/auth/arc_aar.h"

#include "engine/auth/authres_id.h"
#include "engine/base/limits.h"

/* --- steps 1 to 3 --- */

static unsigned take_instance(struct moon_buf *in)
{
    uint64_t number;

    if (!moon_authres_skip_cfws(in) || !moon_buf_skip(in, 'i') || !moon_authres_skip_cfws(in) ||
        !moon_buf_skip(in, '=') || !moon_authres_skip_cfws(in))
        return 0;
    struct moon_span digits = moon_buf_while(in, moon_is_digit);
    if (digits.n > 2 || !moon_span_number(digits, MOON_ARC_INSTANCES_MAX, &number))
        return 0;
    if (!moon_authres_skip_cfws(in) || !moon_buf_skip(in, ';'))
        return 0;
    return (unsigned)number;
}

/* The cursor stands behind '"'; it ends behind the next one, or at the end. */
static void skip_quoted(struct moon_buf *in)
{
    int c;
    while (!moon_buf_at_end(in) && (c = moon_buf_byte(in)) != '"')
        if (c == '\\' && !moon_buf_at_end(in))
            (void)moon_buf_byte(in); /* quoted, whatever it is */
}

/* Up to the next semicolon that separates. What is not closed goes to the end. */
static struct moon_span take_piece(struct moon_buf *in)
{
    const char *start = in->p;
    size_t left = in->left;

    while (!moon_buf_at_end(in) && moon_buf_peek(in) != ';') {
        if (moon_buf_peek(in) == '(') {
            if (!moon_authres_skip_cfws(in))
                (void)moon_buf_take(in, in->left); /* never closed */
        } else if (moon_buf_byte(in) == '"') {
            skip_quoted(in);
        }
    }
    return (struct moon_span){start, left - in->left};
}

/* --- step 4 --- */

static bool is_keyword_char(char c)
{
    return moon_is_alnum(c) || c == '-' || c == '_';
}

static bool is_plain_char(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f && c != '(' && c != ')' && c != '"' && c != ';' &&
           c != '\\';
}

static void add_lower(struct moon_str *str, struct moon_span word)
{
    for (size_t i = 0; i < word.n; i++)
        moon_str_add_char(str, moon_lower(word.p[i]));
}

struct piece {
    struct moon_arena *arena;
    struct moon_buf in;
    bool out_of_memory;
};

static const char *text_of(struct piece *p, struct moon_str *str)
{
    const char *text = moon_str_end(str);
    if (!text)
        p->out_of_memory = true;
    return text;
}

/* Keyword of RFC 5321, and '_', which some sites use. NULL when there is none. */
static const char *take_keyword(struct piece *p)
{
    struct moon_str str;
    struct moon_span word = moon_buf_while(&p->in, is_keyword_char);

    if (word.n == 0 || word.n > MOON_LABEL_MAX)
        return NULL;
    moon_str_begin(&str, p->arena);
    add_lower(&str, word);
    return text_of(p, &str);
}

/* The inside of a quoted string, decoded; false when it does not end or has controls. */
static bool take_quoted(struct piece *p, struct moon_str *str)
{
    for (;;) {
        int c = moon_buf_byte(&p->in);
        if (c == '"')
            return true;
        if (c == '\\')
            c = moon_buf_byte(&p->in);
        if (c == '\r' || c == '\n')
            continue; /* a fold: its white space stays */
        if (c < 0x20 && c != '\t')
            return false; /* also at the end */
        moon_str_add_char(str, (char)c);
    }
}

/* A token, a quoted string, or an address that has both. NULL when it is none. */
static const char *take_value(struct piece *p)
{
    struct moon_str str;
    bool any = false;

    moon_str_begin(&str, p->arena);
    for (;;) { /* each round takes at least one byte */
        if (moon_buf_skip(&p->in, '"')) {
            if (!take_quoted(p, &str))
                return NULL;
        } else {
            struct moon_span plain = moon_buf_while(&p->in, is_plain_char);
            if (plain.n == 0)
                break;
            moon_str_add_span(&str, plain);
        }
        any = true;
    }
    if (!any || str.length > MOON_ARC_VALUE_MAX)
        return NULL;
    return text_of(p, &str);
}

static bool take_equals(struct piece *p)
{
    return moon_authres_skip_cfws(&p->in) && moon_buf_skip(&p->in, '=') &&
           moon_authres_skip_cfws(&p->in);
}

static bool has_property(const struct moon_arc_result *result, const char *name)
{
    for (size_t i = 0; i < result->property_count; i++)
        if (moon_span_is(moon_span_of(result->properties[i].name), name))
            return true;
    return false;
}

static bool add_property(struct piece *p, struct moon_arc_result *result, const char *name,
                         const char *value)
{
    if (has_property(result, name))
        return true;
    if (result->property_count == MOON_ARC_PROPERTIES_MAX)
        return false;
    result->properties = moon_arena_append(p->arena, result->properties, result->property_count,
                                           sizeof *result->properties);
    if (!result->properties) {
        p->out_of_memory = true;
        return false;
    }
    result->properties[result->property_count++] = (struct moon_arc_property){name, value};
    return true;
}

/* reason=value, ptype.property=value, or word=value. False: not well-formed. */
static bool take_pair(struct piece *p, struct moon_arc_result *result)
{
    const char *name = take_keyword(p);

    if (!name || !moon_authres_skip_cfws(&p->in))
        return false;
    if (moon_buf_skip(&p->in, '.')) {
        const char *property = moon_authres_skip_cfws(&p->in) ? take_keyword(p) : NULL;
        if (!property)
            return false;
        name = moon_arena_printf(p->arena, "%s.%s", name, property);
        if (!name) {
            p->out_of_memory = true;
            return false;
        }
    }
    const char *value = take_equals(p) ? take_value(p) : NULL;
    if (!value)
        return false;
    if (!moon_span_is(moon_span_of(name), "reason"))
        return add_property(p, result, name, value);
    if (!result->reason)
        result->reason = value;
    return true;
}

static bool take_method(struct piece *p, struct moon_arc_result *result)
{
    if (!moon_authres_skip_cfws(&p->in))
        return false;
    result->method = take_keyword(p);
    if (!result->method || !moon_authres_skip_cfws(&p->in))
        return false;
    if (moon_buf_skip(&p->in, '/') &&
        (!moon_authres_skip_cfws(&p->in) || moon_buf_while(&p->in, moon_is_digit).n == 0))
        return false;
    if (!take_equals(p))
        return false;
    result->result = take_keyword(p);
    return result->result != NULL;
}

static bool take_result(struct piece *p, struct moon_arc_result *result)
{
    if (!take_method(p, result))
        return false;
    while (!moon_buf_at_end(&p->in)) { /* each round takes at least one byte */
        size_t before = p->in.left;
        if (!moon_authres_skip_cfws(&p->in) || before == p->in.left)
            return false; /* words must stand apart */
        if (!moon_buf_at_end(&p->in) && !take_pair(p, result))
            return false;
    }
    return true;
}

enum moon_status moon_aar_parse(struct moon_arena *arena, struct moon_span value,
                                struct moon_aar *aar_r)
{
    struct moon_buf in = moon_buf_of(value);
    char id[MOON_AUTHRES_ID_SIZE];

    *aar_r = (struct moon_aar){.instance = take_instance(&in)};
    if (aar_r->instance == 0 || value.n > MOON_SIG_BYTES_MAX)
        return MOON_OK;
    if (!moon_authres_read_id((struct moon_span){in.p, in.left}, id))
        return MOON_OK;
    aar_r->authserv_id = moon_arena_cstr(arena, id);
    if (!aar_r->authserv_id)
        return MOON_ENOMEM;
    (void)take_piece(&in); /* the authserv-id, just read */
    for (size_t pieces = 0; pieces < MOON_ARC_RESULTS_MAX && moon_buf_skip(&in, ';'); pieces++) {
        struct moon_arc_result result = {0};
        struct piece piece = {arena, moon_buf_of(take_piece(&in)), false};
        bool well_formed = take_result(&piece, &result);
        if (piece.out_of_memory)
            return MOON_ENOMEM;
        if (!well_formed)
            continue;
        aar_r->results =
            moon_arena_append(arena, aar_r->results, aar_r->result_count, sizeof result);
        if (!aar_r->results) {
            aar_r->result_count = 0;
            return MOON_ENOMEM;
        }
        aar_r->results[aar_r->result_count++] = result;
    }
    return MOON_OK;
}
