/* SPDX-License-Identifier: MIT
 *
 * spf_record: parses one SPF record into a table of terms. The whole record is checked before any
 * of it is used: RFC 7208 section 4.6 wants syntax errors anywhere to be found.
 *
 *   1. bytes: printable ASCII only, a bounded length (RFC 7208 section 3.1),
 *   2. version, then terms separated by spaces,
 *   3. a term: a modifier if '=' follows its name, else [qualifier] mechanism (section 4.6.1),
 *   4. the arguments of each kind, by the table `kinds`.
 */
#include "engine/auth/spf_record.h"

#include <string.h>

#include "engine/auth/spf_macro.h"
#include "engine/base/limits.h"

enum argument { ARGUMENT_NO, ARGUMENT_OPTIONAL, ARGUMENT_NEEDED };

struct kind {
    const char *name;
    enum moon_spf_kind kind;
    enum argument domain;
    bool cidr;     /* a dual-cidr-length may follow */
    bool asks_dns; /* counts against RFC 7208 section 4.6.4 */
};

/* The mechanisms. */
static const struct kind kinds[] = {
    {"all", MOON_SPF_KIND_ALL, ARGUMENT_NO, false, false},
    {"include", MOON_SPF_KIND_INCLUDE, ARGUMENT_NEEDED, false, true},
    {"a", MOON_SPF_KIND_A, ARGUMENT_OPTIONAL, true, true},
    {"mx", MOON_SPF_KIND_MX, ARGUMENT_OPTIONAL, true, true},
    {"ptr", MOON_SPF_KIND_PTR, ARGUMENT_OPTIONAL, false, true},
    {"ip4", MOON_SPF_KIND_IP4, ARGUMENT_NEEDED, false, false},
    {"ip6", MOON_SPF_KIND_IP6, ARGUMENT_NEEDED, false, false},
    {"exists", MOON_SPF_KIND_EXISTS, ARGUMENT_NEEDED, false, true},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

/* One or more digits without a leading zero, at most `max`. */
static bool read_prefix(struct moon_span digits, unsigned max, unsigned *bits_r)
{
    uint64_t bits;

    if (!moon_span_number(digits, max, &bits) || (digits.n > 1 && digits.p[0] == '0'))
        return false;
    *bits_r = (unsigned)bits;
    return true;
}

/* A final "/" and the digits behind it, if any, are taken off *text; false when there is none. */
static bool take_prefix(struct moon_span *text, struct moon_span *digits_r)
{
    size_t slash = moon_span_rfind(*text, '/');
    if (slash == (size_t)-1)
        return false;
    *digits_r = moon_span_sub(*text, slash + 1, text->n);
    for (size_t i = 0; i < digits_r->n; i++)
        if (!moon_is_digit(digits_r->p[i]))
            return false;
    *text = moon_span_sub(*text, 0, slash);
    return true;
}

/* dual-cidr-length: [ "/" digits ] [ "//" digits ], taken off the end of *text. */
static bool read_dual_cidr(struct moon_span *text, struct moon_spf_term *term)
{
    struct moon_span digits;

    term->bits4 = 32;
    term->bits6 = 128;
    if (!take_prefix(text, &digits))
        return true;
    if (text->n && text->p[text->n - 1] == '/') {
        text->n--;
        if (!read_prefix(digits, 128, &term->bits6))
            return false;
        if (!take_prefix(text, &digits))
            return true;
    }
    return read_prefix(digits, 32, &term->bits4);
}

/* Like inet_pton, but an IPv4-mapped address stays what was written. */
static bool read_network(struct moon_span text, bool six, struct moon_ip *ip_r)
{
    if ((moon_span_find(text, ':') != (size_t)-1) != six || !moon_ip_parse(text, ip_r))
        return false;
    if (six && ip_r->family == 4) {
        struct moon_ip mapped = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}};
        memcpy(mapped.bytes + 12, ip_r->bytes, 4);
        *ip_r = mapped;
    }
    return true;
}

static bool read_ip(struct moon_span argument, struct moon_spf_term *term)
{
    bool six = term->kind == MOON_SPF_KIND_IP6;
    size_t slash = moon_span_find(argument, '/');

    term->bits4 = 32;
    term->bits6 = 128;
    if (slash != (size_t)-1 && !read_prefix(moon_span_sub(argument, slash + 1, argument.n),
                                            six ? 128 : 32, six ? &term->bits6 : &term->bits4))
        return false;
    return read_network(moon_span_sub(argument, 0, slash), six, &term->ip);
}

/* Step 4 for mechanisms: `rest` is what follows the name. */
static bool read_mechanism(const struct kind *kind, struct moon_span rest,
                           struct moon_spf_term *term)
{
    if (kind->cidr && !read_dual_cidr(&rest, term))
        return false;
    if (rest.n == 0)
        return kind->domain != ARGUMENT_NEEDED;
    if (kind->domain == ARGUMENT_NO || rest.p[0] != ':')
        return false;
    struct moon_span argument = moon_span_sub(rest, 1, rest.n);
    if (kind->kind == MOON_SPF_KIND_IP4 || kind->kind == MOON_SPF_KIND_IP6)
        return read_ip(argument, term);
    term->domain = argument;
    return moon_spf_macro_valid(argument, MOON_SPF_MACRO_DOMAIN);
}

static const struct kind *find_kind(struct moon_span name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (moon_span_is_nocase(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

/* Step 4 for modifiers. Unknown ones must be well-formed and mean nothing (section 6). */
static const char *add_modifier(struct moon_spf_record *record, struct moon_span text,
                                struct moon_span name, struct moon_span value)
{
    bool redirect = moon_span_is_nocase(name, "redirect");

    if (!redirect && !moon_span_is_nocase(name, "exp"))
        return moon_spf_macro_valid(value, MOON_SPF_MACRO_MODIFIER)
                   ? NULL
                   : "syntax error in an unknown modifier";
    bool *has = redirect ? &record->has_redirect : &record->has_exp;
    if (*has)
        return "modifier given twice"; /* section 6 */
    *has = true;
    *(redirect ? &record->redirect : &record->exp) =
        (struct moon_spf_term){.kind = redirect ? MOON_SPF_KIND_REDIRECT : MOON_SPF_KIND_EXP,
                               .text = text,
                               .domain = value};
    return moon_spf_macro_valid(value, MOON_SPF_MACRO_DOMAIN) ? NULL : "syntax error";
}

static const char *add_mechanism(struct moon_spf_record *record, struct moon_span text,
                                 struct moon_span name, struct moon_span rest,
                                 enum moon_result qualifier)
{
    const struct kind *kind = find_kind(name);
    if (!kind)
        return "unknown mechanism";

    struct moon_spf_term *term = &record->mechanisms[record->count];
    *term = (struct moon_spf_term){.kind = kind->kind, .qualifier = qualifier, .text = text};
    if (!read_mechanism(kind, rest, term))
        return "syntax error";
    record->count++;
    return NULL;
}

static bool is_name_char(char c)
{
    return moon_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static bool read_qualifier(struct moon_buf *buf, enum moon_result *qualifier_r)
{
    *qualifier_r = MOON_RESULT_PASS; /* "+" is the default */
    switch (moon_buf_peek(buf)) {
    case '+':
        break;
    case '-':
        *qualifier_r = MOON_RESULT_FAIL;
        break;
    case '~':
        *qualifier_r = MOON_RESULT_SOFTFAIL;
        break;
    case '?':
        *qualifier_r = MOON_RESULT_NEUTRAL;
        break;
    default:
        return false;
    }
    (void)moon_buf_byte(buf); /* just peeked at */
    return true;
}

/* Step 3. Returns what is wrong, or NULL. */
static const char *add_term(struct moon_spf_record *record, struct moon_span text)
{
    struct moon_buf buf = moon_buf_of(text);
    enum moon_result qualifier;
    bool qualified = read_qualifier(&buf, &qualifier);
    bool named = moon_is_alpha((char)moon_buf_peek(&buf)); /* the end is no letter */
    struct moon_span name = moon_buf_while(&buf, is_name_char);
    struct moon_span rest = moon_buf_take(&buf, buf.left);

    if (!named)
        return "syntax error";
    if (!qualified && rest.n && rest.p[0] == '=')
        return add_modifier(record, text, name, moon_span_sub(rest, 1, rest.n));
    return add_mechanism(record, text, name, rest, qualifier);
}

bool moon_spf_record_is(struct moon_span text)
{
    return moon_span_is_nocase(moon_span_sub(text, 0, 6), "v=spf1") &&
           (text.n == 6 || text.p[6] == ' ');
}

/* Step 1; NULL when all is well. */
static const char *check_bytes(struct moon_span text)
{
    if (!moon_spf_record_is(text))
        return "not an SPF record";
    if (text.n > MOON_SPF_RECORD_BYTES_MAX)
        return "the record is too long";
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return "a byte that is not printable ASCII";
    return NULL;
}

enum moon_status moon_spf_record_parse(struct moon_arena *arena, struct moon_span text,
                                       struct moon_spf_record *record_r, const char **reason_r)
{
    struct moon_buf buf;
    size_t terms = 0;

    *record_r = (struct moon_spf_record){.text = text};
    *reason_r = check_bytes(text);
    if (*reason_r)
        return MOON_OK;
    for (size_t i = 1; i < text.n; i++)
        terms += text.p[i] != ' ' && text.p[i - 1] == ' ';
    record_r->mechanisms = moon_arena_array(arena, terms, sizeof *record_r->mechanisms);
    if (!record_r->mechanisms)
        return MOON_ENOMEM;

    /* Step 2. */
    buf = moon_buf_of(moon_span_sub(text, 6, text.n));
    while (!moon_buf_at_end(&buf)) {
        if (moon_buf_skip(&buf, ' '))
            continue;
        struct moon_span term = moon_buf_until(&buf, ' ');
        const char *wrong = add_term(record_r, term);
        if (!wrong)
            continue;
        term = moon_span_sub(term, 0, 80);
        *reason_r = moon_arena_printf(arena, "%s: %.*s", wrong, (int)term.n, term.p);
        return *reason_r ? MOON_OK : MOON_ENOMEM;
    }
    return MOON_OK;
}

bool moon_spf_term_asks_dns(const struct moon_spf_term *term)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].kind == term->kind)
            return kinds[i].asks_dns;
    return term->kind == MOON_SPF_KIND_REDIRECT;
}

bool moon_spf_term_has_ip(const struct moon_spf_term *term, const struct moon_ip *client)
{
    if (term->kind != MOON_SPF_KIND_IP4 && term->kind != MOON_SPF_KIND_IP6)
        return false;
    return moon_ip_match(&term->ip, client,
                         term->kind == MOON_SPF_KIND_IP6 ? term->bits6 : term->bits4);
}
