/* SPDX-License-Identifier: MIT
 *
 * zone_parse: reads a zone text (RFC 1035 section 5.1). Line by line:
 *
 *  1. An entry is cut into words: comments dropped, parentheses join lines, quotes keep spaces.
 *  2. $ORIGIN and $TTL are obeyed.
 *  3. Owner (a line that starts with space has the owner of the line before), TTL, class, type.
 *  4. The data by type. Types that no check of mail asks for are skipped, but their owner exists.
 */
#include <string.h>

#include "engine/dns/zone.h"

#define WORDS_MAX       300u /* of one entry: a TXT record of 65535 bytes has 257 strings */
#define STRING_MAX      255u /* RFC 1035 section 3.3 */
#define ERROR_WORD_MAX  40   /* of a word, in an error text */
#define TROUBLE_TIMEOUT "timeout"

struct word {
    struct moon_span text; /* escapes still in it, quotes removed */
    bool quoted;
};

struct parser {
    struct moon_zone *zone;
    struct moon_buf in;
    unsigned line;  /* where the cursor is */
    unsigned start; /* where the entry began */
    const char *file;
    struct moon_error *error;
    struct moon_dns_wire origin;
    struct moon_dns_wire owner; /* length 0: none yet */
    struct word words[WORDS_MAX];
    size_t count, at;
    bool inherits; /* the entry began with space */
};

static enum moon_status wrong(struct parser *p, const char *what)
{
    return moon_fail(p->error, MOON_ECONF, "%s:%u: %s", p->file, p->start, what);
}

static enum moon_status wrong_word(struct parser *p, const char *what, struct moon_span word)
{
    int n = word.n < ERROR_WORD_MAX ? (int)word.n : ERROR_WORD_MAX;
    return moon_fail(p->error, MOON_ECONF, "%s:%u: %s: \"%.*s\"", p->file, p->start, what, n,
                     word.n ? word.p : "");
}

static enum moon_status no_memory(struct parser *p)
{
    return moon_fail(p->error, MOON_ENOMEM, "%s:%u: the zone is too large", p->file, p->start);
}

/* --- 1. words ----------------------------------------------------------------------------------
 */

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(int c)
{
    return c < 0 || is_space(c) || c == '\n' || c == ';' || c == '(' || c == ')' || c == '"';
}

/* A word or the inside of quotes, from the cursor on. False when quotes stay open. */
static bool cut_word(struct parser *p, struct word *word_r)
{
    struct moon_buf begin;
    bool quoted = moon_buf_skip(&p->in, '"');
    begin = p->in;
    for (;;) {
        int c = moon_buf_peek(&p->in);
        if (quoted ? c == '"' : ends_word(c))
            break;
        if (c < 0 || c == '\n')
            return false;
        (void)moon_buf_byte(&p->in); /* peeked */
        if (c == '\\' && moon_buf_peek(&p->in) >= 0 && moon_buf_peek(&p->in) != '\n')
            (void)moon_buf_byte(&p->in);
    }
    *word_r = (struct word){{begin.p, begin.left - p->in.left}, quoted};
    if (quoted)
        (void)moon_buf_skip(&p->in, '"'); /* it is there */
    return true;
}

/* The words of the next entry; count 0 for an empty line. */
static enum moon_status next_entry(struct parser *p)
{
    bool joined = false;
    p->count = p->at = 0;
    p->start = p->line;
    p->inherits = is_space(moon_buf_peek(&p->in));
    for (;;) { /* each turn takes a byte at least */
        int c = moon_buf_peek(&p->in);
        if (c < 0) {
            return joined ? wrong(p, "the parenthesis is not closed") : MOON_OK;
        } else if (c == '\n') {
            (void)moon_buf_byte(&p->in); /* peeked */
            p->line++;
            if (!joined)
                return MOON_OK;
        } else if (c == ';') {
            (void)moon_buf_until(&p->in, '\n'); /* a comment */
        } else if (c == '(' || c == ')') {
            (void)moon_buf_byte(&p->in); /* peeked */
            if (joined == (c == '('))
                return wrong(p, joined ? "a parenthesis inside another" : "')' without '('");
            joined = !joined;
        } else if (is_space(c)) {
            (void)moon_buf_byte(&p->in); /* peeked */
        } else if (p->count == WORDS_MAX) {
            return wrong(p, "too many words");
        } else if (!cut_word(p, &p->words[p->count++])) {
            return wrong(p, "the quoted string is not closed");
        }
    }
}

/* --- names -------------------------------------------------------------------------------------
 */

/* Is the last dot one that ends the name, not an escaped one? */
static bool is_absolute(struct moon_span text)
{
    size_t slashes = 0;
    if (text.n == 0 || text.p[text.n - 1] != '.')
        return false;
    while (slashes + 1 < text.n && text.p[text.n - 2 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 0;
}

static enum moon_status read_name(struct parser *p, struct moon_span text,
                                  struct moon_dns_wire *name_r)
{
    if (moon_span_is(text, "@")) {
        *name_r = p->origin;
        return MOON_OK;
    }
    if (!moon_dns_wire_parse(text, name_r))
        return wrong_word(p, "not a name", text);
    if (is_absolute(text))
        return MOON_OK;
    size_t length = name_r->length - 1u; /* the origin takes the place of the final zero */
    if (length + p->origin.length > MOON_DNS_WIRE_MAX)
        return wrong_word(p, "the name is too long with its origin", text);
    memcpy(name_r->bytes + length, p->origin.bytes, p->origin.length);
    name_r->length = (uint8_t)(length + p->origin.length);
    return MOON_OK;
}

/* --- 4. data -----------------------------------------------------------------------------------
 */

static enum moon_status read_target(struct parser *p, struct moon_zone_record *record)
{
    record->target = moon_arena_alloc(p->zone->arena, sizeof *record->target);
    if (!record->target)
        return no_memory(p);
    if (p->at == p->count)
        return wrong(p, "a name is missing");
    return read_name(p, p->words[p->at++].text, record->target);
}

static enum moon_status read_address(struct parser *p, struct moon_zone_record *record)
{
    struct moon_span text = p->at < p->count ? p->words[p->at++].text : (struct moon_span){0};
    struct moon_ip ip;
    bool wants_v6 = record->type == MOON_DNS_TYPE_AAAA;
    bool has_colon = moon_span_find(text, ':') != (size_t)-1;
    if (!moon_ip_parse(text, &ip) || has_colon != wants_v6)
        return wrong_word(p, wants_v6 ? "not an IPv6 address" : "not an IPv4 address", text);
    record->ip = ip;
    if (wants_v6 && ip.family == 4) { /* an AAAA record stays what it is on the wire */
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        record->ip.family = 6;
        memcpy(record->ip.bytes, mapped, sizeof mapped);
        memcpy(record->ip.bytes + sizeof mapped, ip.bytes, 4);
    }
    return MOON_OK;
}

static enum moon_status read_mx(struct parser *p, struct moon_zone_record *record)
{
    uint64_t preference = 0;
    struct moon_span text = p->at < p->count ? p->words[p->at++].text : (struct moon_span){0};
    if (!moon_span_number(text, UINT16_MAX, &preference))
        return wrong_word(p, "not a preference", text);
    record->preference = (uint16_t)preference;
    return read_target(p, record);
}

/* One character string, its escapes undone. */
static enum moon_status read_string(struct parser *p, struct moon_span text, struct moon_str *out)
{
    struct moon_buf in = moon_buf_of(text);
    size_t before = out->length;
    while (!moon_buf_at_end(&in)) {
        int c = moon_buf_byte(&in);
        if (c == '\\')
            c = moon_dns_unescape(&in);
        if (c < 0)
            return wrong_word(p, "a broken escape", text);
        moon_str_add_char(out, (char)c);
    }
    if (out->length - before > STRING_MAX)
        return wrong(p, "a string longer than 255 bytes: split it into several");
    return MOON_OK;
}

static enum moon_status read_txt(struct parser *p, struct moon_zone_record *record)
{
    enum moon_status status = MOON_OK;
    struct moon_str out;
    moon_str_begin(&out, p->zone->arena);
    if (p->at == p->count)
        return wrong(p, "TXT without a string");
    while (p->at < p->count && status == MOON_OK)
        status = read_string(p, p->words[p->at++].text, &out);
    if (status != MOON_OK)
        return status;
    const char *text = moon_str_end(&out);
    if (!text)
        return no_memory(p);
    if (out.length > MOON_DNS_ANSWER_MAX)
        return wrong(p, "the record is too long");
    record->text = (struct moon_span){text, out.length};
    return MOON_OK;
}

/* --- 3. entries --------------------------------------------------------------------------------
 */

struct type_name {
    const char *name;
    enum moon_dns_type type;
    enum moon_status (*read)(struct parser *p, struct moon_zone_record *record);
};

static const struct type_name types[] = {
    {"A", MOON_DNS_TYPE_A, read_address},        {"AAAA", MOON_DNS_TYPE_AAAA, read_address},
    {"TXT", MOON_DNS_TYPE_TXT, read_txt},        {"MX", MOON_DNS_TYPE_MX, read_mx},
    {"CNAME", MOON_DNS_TYPE_CNAME, read_target}, {"PTR", MOON_DNS_TYPE_PTR, read_target},
};

static const char *const skipped_types[] = {"SOA",    "NS",    "SRV",  "CAA",   "SPF",
                                            "DS",     "TLSA",  "SVCB", "HTTPS", "HINFO",
                                            "DNSKEY", "RRSIG", "NSEC"};

static const char *trouble_of(struct moon_span word)
{
    if (moon_span_is_nocase(word, "TIMEOUT"))
        return TROUBLE_TIMEOUT;
    return moon_span_is_nocase(word, "SERVFAIL") ? "SERVFAIL" : NULL;
}

static const struct type_name *type_of(struct moon_span word)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (moon_span_is_nocase(word, types[i].name))
            return &types[i];
    return NULL;
}

static bool is_skipped(struct moon_span word)
{
    for (size_t i = 0; i < sizeof skipped_types / sizeof *skipped_types; i++)
        if (moon_span_is_nocase(word, skipped_types[i]))
            return true;
    return false;
}

/* "3600", "1h30m" */
static bool is_ttl(struct moon_span word)
{
    if (word.n == 0 || !moon_is_digit(word.p[0]))
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (!moon_is_digit(word.p[i]) &&
            moon_span_find(MOON_SPAN("smhdw"), moon_lower(word.p[i])) == (size_t)-1)
            return false;
    return true;
}

static enum moon_status add_record(struct parser *p, struct moon_zone_node *node,
                                   const struct type_name *type)
{
    struct moon_zone_record *record = moon_arena_alloc(p->zone->arena, sizeof *record);
    if (!record)
        return no_memory(p);
    if (p->zone->record_count++ == MOON_ZONE_RECORDS_MAX)
        return wrong(p, "too many records");
    record->type = type->type;
    enum moon_status status = MOON_OK;
    if (p->at + 1 == p->count && !p->words[p->at].quoted)
        record->trouble = trouble_of(p->words[p->at].text);
    if (record->trouble)
        p->at++;
    else
        status = type->read(p, record);
    if (status == MOON_OK && p->at < p->count)
        return wrong_word(p, "more than the record needs", p->words[p->at].text);
    *node->end = record;
    node->end = &record->next;
    return status;
}

static enum moon_status read_record(struct parser *p)
{
    enum moon_status status = MOON_OK;
    if (!p->inherits)
        status = read_name(p, p->words[p->at++].text, &p->owner);
    else if (p->owner.length == 0)
        return wrong(p, "no owner yet");
    if (status != MOON_OK)
        return status;
    while (p->at < p->count &&
           (is_ttl(p->words[p->at].text) || moon_span_is_nocase(p->words[p->at].text, "IN")))
        p->at++;
    if (p->at == p->count)
        return wrong(p, "a type is missing");

    struct moon_zone_node *node = moon_zone_enter(p->zone, &p->owner);
    if (!node)
        return no_memory(p);
    struct moon_span word = p->words[p->at++].text;
    const struct type_name *type = type_of(word);
    if (type)
        return add_record(p, node, type);
    if (is_skipped(word))
        return MOON_OK;
    const char *trouble = trouble_of(word);
    if (!trouble)
        return wrong_word(p, "unknown type", word);
    if (p->at < p->count)
        return wrong_word(p, "more than the record needs", p->words[p->at].text);
    node->trouble = trouble;
    return MOON_OK;
}

/* 2. $ORIGIN, $TTL */
static enum moon_status read_directive(struct parser *p)
{
    struct moon_span what = p->words[0].text;
    if (p->count != 2)
        return wrong_word(p, "takes one argument", what);
    if (moon_span_is_nocase(what, "$ORIGIN")) {
        struct moon_dns_wire origin;
        enum moon_status status = read_name(p, p->words[1].text, &origin);
        if (status == MOON_OK)
            p->origin = origin;
        return status;
    }
    if (!moon_span_is_nocase(what, "$TTL"))
        return wrong_word(p, "unknown directive", what);
    return is_ttl(p->words[1].text) ? MOON_OK : wrong_word(p, "not a TTL", p->words[1].text);
}

enum moon_status moon_zone_parse(struct moon_zone *zone, struct moon_span text, const char *origin,
                                 struct moon_error *error)
{
    struct parser *p = moon_arena_alloc(zone->arena, sizeof *p);
    enum moon_status status = MOON_OK;
    if (!p)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", origin);
    *p = (struct parser){.zone = zone,
                         .in = moon_buf_of(text),
                         .line = 1,
                         .file = origin,
                         .error = error,
                         .origin = {.length = 1}};
    if (text.n > MOON_ZONE_BYTES_MAX)
        return moon_fail(error, MOON_ECONF, "%s: larger than %u bytes", origin,
                         MOON_ZONE_BYTES_MAX);
    while (status == MOON_OK && !moon_buf_at_end(&p->in)) {
        status = next_entry(p);
        if (status != MOON_OK || p->count == 0)
            continue;
        bool directive = !p->words[0].quoted && p->words[0].text.n && p->words[0].text.p[0] == '$';
        status = directive ? read_directive(p) : read_record(p);
    }
    return status;
}
