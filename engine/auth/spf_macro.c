/* SPDX-License-Identifier: MIT
 *
 * spf_macro: RFC 7208 section 7. Texts reach this file after the record's bytes were checked
 * (spf_record.c), explanations by moon_spf_macro_valid; both walks below share one reader of
 * macros.
 *
 * Expansion of one macro:
 *   1. the value of its letter,
 *   2. split at its delimiters,
 *   3. reversed, cut to the last parts asked for, joined with dots,
 *   4. URL-escaped when the letter was upper case.
 */
#include "engine/auth/spf_macro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"

/* --- reading -------------------------------------------------------------------------------- */

struct macro {
    char letter;  /* lower case; 0: plain text or one of %% %_ %- in `literal` */
    bool escape;  /* the letter was upper case */
    bool reverse; /* r */
    size_t keep;  /* parts to keep from the right; SIZE_MAX: all */
    struct moon_span delimiters;
    struct moon_span literal;
};

static bool is_delimiter(char c)
{
    return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* Digits of a macro: any number of them, the value matters only up to the parts a name can have. */
static bool read_keep(struct moon_buf *buf, size_t *keep_r)
{
    struct moon_span digits = moon_buf_while(buf, moon_is_digit);
    size_t keep = 0;

    for (size_t i = 0; i < digits.n; i++)
        keep = keep > 1000000 ? keep : keep * 10 + (size_t)(digits.p[i] - '0');
    *keep_r = digits.n ? keep : SIZE_MAX;
    return *keep_r != 0; /* RFC 7208 section 7.3: nonzero */
}

/* What stands behind "%{". */
static bool read_braces(struct moon_buf *buf, bool explanation, struct macro *macro)
{
    char c = (char)moon_buf_byte(buf); /* at the end one that is no letter */
    macro->letter = moon_lower(c);
    macro->escape = macro->letter != c;
    if (macro->letter == '\0' || !strchr(explanation ? "slodiphcrtv" : "slodiphv", macro->letter))
        return false;
    if (!read_keep(buf, &macro->keep))
        return false;
    macro->reverse = moon_buf_skip(buf, 'r') || moon_buf_skip(buf, 'R');
    macro->delimiters = moon_buf_while(buf, is_delimiter);
    return moon_buf_skip(buf, '}');
}

/* The next piece: a run of literal bytes, or one macro. False: not valid. Not called at the end. */
static bool read_piece(struct moon_buf *buf, bool explanation, struct macro *macro)
{
    *macro = (struct macro){0};
    if (!moon_buf_skip(buf, '%')) {
        macro->literal = moon_buf_until(buf, '%');
        return true;
    }
    switch (moon_buf_byte(buf)) {
    case '{':
        return read_braces(buf, explanation, macro);
    case '%':
        macro->literal = MOON_SPAN("%");
        return true;
    case '_':
        macro->literal = MOON_SPAN(" ");
        return true;
    case '-':
        macro->literal = MOON_SPAN("%20");
        return true;
    default:
        return false;
    }
}

/* toplabel of RFC 7208 section 12: letters, digits and inner hyphens, not digits alone. */
static bool is_top_label(struct moon_span label)
{
    bool digits_only = true;

    if (label.n == 0 || !moon_is_alnum(label.p[0]) || !moon_is_alnum(label.p[label.n - 1]))
        return false;
    for (size_t i = 0; i < label.n; i++) {
        if (!moon_is_alnum(label.p[i]) && label.p[i] != '-')
            return false;
        digits_only = digits_only && moon_is_digit(label.p[i]);
    }
    return !digits_only;
}

/* domain-end behind a literal: "." toplabel [ "." ]. The dot may be the first byte of the literal:
 * "%{d}.example" ends well, "example" alone does not. */
static bool ends_in_top_label(struct moon_span literal)
{
    if (literal.n && literal.p[literal.n - 1] == '.')
        literal.n--;
    size_t dot = moon_span_rfind(literal, '.');
    return dot != (size_t)-1 && is_top_label(moon_span_sub(literal, dot + 1, literal.n));
}

bool moon_spf_macro_valid(struct moon_span text, enum moon_spf_macro_place place)
{
    bool explanation = place == MOON_SPF_MACRO_EXPLANATION;
    bool end_ok = place != MOON_SPF_MACRO_DOMAIN; /* an empty domain-spec is none */
    struct moon_buf buf = moon_buf_of(text);
    struct macro macro;

    while (!moon_buf_at_end(&buf)) {
        bool literal = moon_buf_peek(&buf) != '%';
        if (!read_piece(&buf, explanation, &macro))
            return false;
        for (size_t i = 0; i < macro.literal.n && literal; i++) {
            char c = macro.literal.p[i];
            if (c > 0x7e || c < (explanation ? 0x20 : 0x21))
                return false;
        }
        if (place == MOON_SPF_MACRO_DOMAIN)
            end_ok = !literal || ends_in_top_label(macro.literal);
    }
    return end_ok;
}

bool moon_spf_macro_uses(struct moon_span text, const char *letters)
{
    struct moon_buf buf = moon_buf_of(text);
    struct macro macro;

    while (!moon_buf_at_end(&buf) && read_piece(&buf, true, &macro))
        if (macro.letter != '\0' && strchr(letters, macro.letter))
            return true;
    return false;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Keeps the first or the last `max` bytes of what is put in, in a text of twice that size. */
struct sink {
    char *text;
    size_t length, max;
    bool keep_last;
};

static void put(struct sink *sink, char c)
{
    if (sink->length == 2 * sink->max) {
        memmove(sink->text, sink->text + sink->max, sink->max);
        sink->length = sink->max;
    }
    if (sink->keep_last || sink->length < sink->max)
        sink->text[sink->length++] = c;
}

static void put_escaped(struct sink *sink, char c)
{
    static const char hex[] = "0123456789ABCDEF";

    /* RFC 3986 section 2.3, as RFC 7208 section 7.3 asks. */
    if (moon_is_alnum(c) || strchr("-._~", c)) { /* values have no NUL */
        put(sink, c);
        return;
    }
    put(sink, '%');
    put(sink, hex[(unsigned char)c >> 4]);
    put(sink, hex[(unsigned char)c & 15]);
}

static void put_span(struct sink *sink, struct moon_span span, bool escape)
{
    for (size_t i = 0; i < span.n; i++) {
        if (escape)
            put_escaped(sink, span.p[i]);
        else
            put(sink, span.p[i]);
    }
}

/* %{i}: dotted quad, or 32 dotted nibbles. Upper-case letters as the public suite has them. */
static struct moon_span dotted_ip(const struct moon_ip *ip, char out[80])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    if (ip->family != 6)
        return moon_span_of(moon_ip_format(ip, out));
    for (size_t i = 0; i < 16; i++) {
        out[n++] = hex[ip->bytes[i] >> 4];
        out[n++] = '.';
        out[n++] = hex[ip->bytes[i] & 15];
        out[n++] = '.';
    }
    return (struct moon_span){out, n - 1};
}

/* Step 1. `scratch` holds the values that are made here. */
static struct moon_span value_of(char letter, const struct moon_spf_vars *vars, const char *domain,
                                 const char *validated, char scratch[80])
{
    switch (letter) {
    case 's':
        return moon_span_of(vars->sender);
    case 'l':
        return moon_span_of(vars->local);
    case 'o':
        return moon_span_of(vars->sender_domain);
    case 'd':
        return moon_span_of(domain);
    case 'i':
        return dotted_ip(&vars->ip, scratch);
    case 'c':
        return moon_span_of(moon_ip_format(&vars->ip, scratch));
    case 'p':
        return validated ? moon_span_of(validated) : MOON_SPAN("unknown");
    case 'v':
        return vars->ip.family == 6 ? MOON_SPAN("ip6") : MOON_SPAN("in-addr");
    case 'h':
        return moon_span_of(vars->helo);
    case 'r':
        return moon_span_of(vars->receiver);
    default:                                                  /* t */
        (void)snprintf(scratch, 80, "%" PRId64, vars->now_s); /* 20 digits fit */
        return moon_span_of(scratch);
    }
}

static bool splits(const struct macro *macro, char c)
{
    return macro->delimiters.n ? moon_span_find(macro->delimiters, c) != (size_t)-1 : c == '.';
}

/* Takes one part off the end (or the start) of *value. */
static struct moon_span take_part(const struct macro *macro, struct moon_span *value, bool from_end)
{
    size_t n = 0;
    while (n < value->n && !splits(macro, value->p[from_end ? value->n - 1 - n : n]))
        n++;
    struct moon_span part = moon_span_sub(*value, from_end ? value->n - n : 0, n);
    size_t rest = value->n - n;
    rest -= rest != 0; /* the delimiter */
    *value = moon_span_sub(*value, from_end ? 0 : value->n - rest, rest);
    return part;
}

/* Steps 2 to 4: parts are taken in the order in which they are written, so what is cut (RFC 7208
 * section 7.3 keeps the right-hand ones, after reversal) are the first ones taken. */
static void put_macro(struct sink *sink, const struct macro *macro, struct moon_span value)
{
    size_t parts = 1;
    for (size_t i = 0; i < value.n; i++)
        parts += splits(macro, value.p[i]);
    size_t drop = parts > macro->keep ? parts - macro->keep : 0;

    for (size_t i = 0; i < parts; i++) {
        struct moon_span part = take_part(macro, &value, macro->reverse);
        if (i < drop)
            continue;
        if (i > drop)
            put(sink, '.');
        put_span(sink, part, macro->escape);
    }
}

char *moon_spf_macro_expand(struct moon_arena *arena, struct moon_span text,
                            enum moon_spf_macro_place place, const struct moon_spf_vars *vars,
                            const char *domain, const char *validated, size_t max)
{
    bool explanation = place == MOON_SPF_MACRO_EXPLANATION;
    struct moon_buf buf = moon_buf_of(text);
    struct sink sink = {.max = max, .keep_last = !explanation};
    struct macro macro;
    char scratch[80];

    sink.text = moon_arena_alloc(arena, 2 * max + 1);
    if (!sink.text)
        return NULL;
    while (!moon_buf_at_end(&buf) && read_piece(&buf, explanation, &macro)) {
        if (macro.letter == '\0')
            put_span(&sink, macro.literal, false);
        else
            put_macro(&sink, &macro, value_of(macro.letter, vars, domain, validated, scratch));
    }
    size_t cut = sink.length > max ? sink.length - max : 0;
    sink.text[sink.length] = '\0';
    return sink.text + cut;
}

/* --- names ---------------------------------------------------------------------------------- */

/* Escapes what is no plain byte of a label (dns.h), and checks labels. False: cannot exist. */
static bool write_name(struct moon_str *name, const char *text, size_t *labels_r)
{
    size_t label = 0;

    *labels_r = 1;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            ++*labels_r;
            moon_str_add_char(name, '.');
            continue;
        }
        if (++label > MOON_LABEL_MAX)
            return false;
        if (c <= 0x20 || c >= 0x7f || c == '\\')
            moon_str_addf(name, "\\%03u", c);
        else
            moon_str_add_char(name, moon_lower((char)c));
    }
    return label > 0;
}

enum moon_status moon_spf_target_of(struct moon_arena *arena, const char *expanded,
                                    struct moon_spf_target *target_r)
{
    struct moon_span text = moon_span_of(expanded);
    struct moon_str name;

    *target_r = (struct moon_spf_target){0};
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    /* RFC 7208 section 7.3: labels go from the left until the rest fits. */
    while (text.n > MOON_DOMAIN_MAX) {
        size_t dot = moon_span_find(text, '.');
        text = moon_span_sub(text, dot == (size_t)-1 ? text.n : dot + 1, text.n);
    }
    target_r->text = moon_arena_dup(arena, text);
    if (!target_r->text)
        return MOON_ENOMEM;
    moon_str_begin(&name, arena);
    bool possible = write_name(&name, target_r->text, &target_r->labels);
    const char *end = moon_str_end(&name);
    if (!end)
        return MOON_ENOMEM;
    target_r->name = possible ? end : NULL;
    return MOON_OK;
}
