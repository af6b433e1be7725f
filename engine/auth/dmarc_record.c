/* SPDX-License-Identifier: MIT
 *
 * dmarc_record: parser of DMARC Policy Records.
 *
 *   1. "v=DMARC1" first and exactly, or it is no DMARC record (RFC 9989 section 4.7).
 *   2. The rest is cut at semicolons into name and value; tag names are case-sensitive as in RFC
 *      6376 section 3.2, the words of values are not (RFC 5234 section 2.3).
 *   3. Known tags are read; unknown ones are only shown. The first of two equal names counts.
 *   4. Is the record usable for a policy (section 4.10.1)?
 */
#include "engine/auth/dmarc_record.h"

#include <string.h>

#include "engine/base/limits.h"

struct reader {
    struct moon_arena *arena;
    struct moon_dmarc_record *record;
    struct moon_str error;
    unsigned seen;   /* bits of known tags met */
    bool bad_policy; /* an ill-formed sp or np; an ill-formed p is as if it were absent */
    bool no_memory;
};

static void complain(struct reader *r, const char *what, struct moon_span name)
{
    if (r->error.length > 200)
        return; /* enough to show the owner */
    name = moon_span_sub(name, 0, 20);
    moon_str_addf(&r->error, "%s%s %.*s", r->error.length ? "; " : "", what, (int)name.n,
                  name.n ? name.p : "");
}

/* A copy that can be shown: printable ASCII only, a tab is a space. */
static const char *shown(struct reader *r, struct moon_span text)
{
    char *copy = moon_arena_dup(r->arena, text);
    for (size_t i = 0; copy && i < text.n; i++)
        if (copy[i] < 0x20 || copy[i] > 0x7e)
            copy[i] = copy[i] == '\t' ? ' ' : '?';
    if (!copy)
        r->no_memory = true;
    return copy;
}

/* Without WSP at both ends; a line end is no white space here (section 4.8). */
static struct moon_span trim_wsp(struct moon_span text)
{
    while (text.n && moon_is_wsp(text.p[0]))
        text = moon_span_sub(text, 1, text.n);
    while (text.n && moon_is_wsp(text.p[text.n - 1]))
        text.n--;
    return text;
}

/* --- step 1 -------------------------------------------------------------------------------------
 */

static bool take_version(struct moon_buf *in)
{
    static const struct moon_span version = {"DMARC1", 6};

    if (!moon_buf_skip(in, 'v'))
        return false;
    (void)moon_buf_while(in, moon_is_wsp);
    if (!moon_buf_skip(in, '='))
        return false;
    (void)moon_buf_while(in, moon_is_wsp);
    if (in->left < version.n || !moon_span_eq(moon_buf_take(in, version.n), version))
        return false;
    (void)moon_buf_while(in, moon_is_wsp);
    return moon_buf_at_end(in) || moon_buf_skip(in, ';');
}

/* --- values -------------------------------------------------------------------------------------
 */

static bool read_policy(struct moon_span value, enum moon_dmarc_policy *policy_r)
{
    static const enum moon_dmarc_policy all[] = {
        MOON_DMARC_POLICY_NONE, MOON_DMARC_POLICY_QUARANTINE, MOON_DMARC_POLICY_REJECT};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (moon_span_is_nocase(value, moon_dmarc_policy_name(all[i]))) {
            *policy_r = all[i];
            return true;
        }
    return false;
}

/* One letter out of `letters`. */
static bool read_letter(struct moon_span value, const char *letters, char *letter_r)
{
    char c = value.n == 1 ? moon_lower(value.p[0]) : '\0';
    if (c == '\0' || !strchr(letters, c))
        return false;
    *letter_r = c;
    return true;
}

static bool is_uri_char(char c)
{
    return moon_is_alnum(c) || (c != '\0' && strchr("-._~:/?#[]@$&'()*+;=", c) != NULL);
}

/* RFC 3986 section 2; '!' and ',' must be encoded in a reporting URI. */
static bool uri_chars(struct moon_span text)
{
    struct moon_buf in = moon_buf_of(text);
    while (!moon_buf_at_end(&in)) {
        if (moon_buf_skip(&in, '%')) {
            char high = (char)moon_buf_byte(&in), low = (char)moon_buf_byte(&in);
            if (moon_hex_value(high) < 0 || moon_hex_value(low) < 0) /* nor is the end a digit */
                return false;
        } else if (moon_buf_while(&in, is_uri_char).n == 0) {
            return false;
        }
    }
    return text.n > 0;
}

/* "!" digits [kmgt], obsolete: ignored, the URI still counts. */
static struct moon_span without_size(struct moon_span uri)
{
    size_t at = moon_span_rfind(uri, '!');
    if (at == (size_t)-1)
        return uri;
    struct moon_span size = moon_span_sub(uri, at + 1, uri.n);
    if (size.n && strchr("kmgt", moon_lower(size.p[size.n - 1])) && size.p[size.n - 1] != '\0')
        size.n--;
    for (size_t i = 0; i < size.n; i++)
        if (!moon_is_digit(size.p[i]))
            return uri;
    return size.n ? moon_span_sub(uri, 0, at) : uri;
}

bool moon_dmarc_uri_valid(struct moon_span uri)
{
    uri = without_size(trim_wsp(uri));
    size_t colon = moon_span_find(uri, ':');
    if (colon == (size_t)-1 || colon == 0 || !moon_is_alpha(uri.p[0]))
        return false;
    struct moon_span scheme = moon_span_sub(uri, 0, colon);
    struct moon_span rest = moon_span_sub(uri, colon + 1, uri.n);
    for (size_t i = 0; i < scheme.n; i++)
        if (!moon_is_alnum(scheme.p[i]) && !strchr("+-.", scheme.p[i]))
            return false;
    if (!uri_chars(rest))
        return false;
    if (!moon_span_is_nocase(scheme, "mailto"))
        return true;
    struct moon_span address = moon_span_sub(rest, 0, moon_span_find(rest, '?'));
    size_t at = moon_span_rfind(address, '@');
    return at != (size_t)-1 && at > 0 && at + 1 < address.n;
}

static bool any_uri(struct moon_span list)
{
    struct moon_buf in = moon_buf_of(list);
    do {
        if (moon_dmarc_uri_valid(moon_buf_until(&in, ',')))
            return true;
    } while (moon_buf_skip(&in, ','));
    return false;
}

/* --- steps 2 and 3 ------------------------------------------------------------------------------
 */

enum known { P, SP, NP, ADKIM, ASPF, PSD, T, PCT, RUA, RUF, FO, RF, RI, V, KNOWN };
static const char *const known_names[KNOWN] = {"p",   "sp",  "np",  "adkim", "aspf", "psd", "t",
                                               "pct", "rua", "ruf", "fo",    "rf",   "ri",  "v"};

static bool read_known(struct moon_dmarc_record *record, enum known tag, struct moon_span value)
{
    uint64_t number;
    char letter;

    switch (tag) {
    case P:
        return read_policy(value, &record->p);
    case SP:
        return read_policy(value, &record->sp);
    case NP:
        return read_policy(value, &record->np);
    case ADKIM:
        return read_letter(value, "rs", &record->adkim);
    case ASPF:
        return read_letter(value, "rs", &record->aspf);
    case PSD:
        return read_letter(value, "ynu", &record->psd);
    case T:
        if (!read_letter(value, "yn", &letter))
            return false;
        record->testing = letter == 'y';
        return true;
    case PCT:
        if (!moon_span_number(value, 100, &number))
            return false;
        record->pct = (unsigned)number;
        return true;
    case RUA:
        record->reports = any_uri(value);
        return record->reports;
    case V:
        return false; /* a second version */
    case RUF:
    case FO:
    case RF:
    case RI:
    case KNOWN:
        break; /* of the reports: read where these are made */
    }
    return true;
}

static void read_tag(struct reader *r, struct moon_span name, struct moon_span value)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        if (!moon_span_is(name, known_names[i]))
            continue;
        if (r->seen & (1u << i)) {
            complain(r, "a second", name);
            return;
        }
        r->seen |= 1u << i;
        if (!read_known(r->record, (enum known)i, value)) {
            complain(r, "ill-formed", name);
            r->bad_policy = r->bad_policy || i == SP || i == NP;
        }
    }
}

static void keep_tag(struct reader *r, struct moon_span name, struct moon_span value)
{
    struct moon_dmarc_record *record = r->record;

    if (record->tag_count == MOON_DMARC_TAGS_MAX)
        return; /* only shown to people */
    record->tags =
        moon_arena_append(r->arena, record->tags, record->tag_count, sizeof *record->tags);
    if (record->tags)
        record->tags[record->tag_count++] =
            (struct moon_dmarc_tag){.name = shown(r, name), .value = shown(r, value)};
    else
        r->no_memory = true;
}

static void read_spec(struct reader *r, struct moon_span spec)
{
    size_t equals = moon_span_find(spec, '=');
    struct moon_span name = trim_wsp(moon_span_sub(spec, 0, equals));

    if (name.n == 0 && equals == (size_t)-1)
        return; /* nothing between two semicolons */
    for (size_t i = 0; i < name.n; i++)
        if (!moon_is_alnum(name.p[i]) && name.p[i] != '_')
            name.n = 0;
    if (name.n == 0 || equals == (size_t)-1) {
        complain(r, "a tag without name or value", name);
        return;
    }
    struct moon_span value = trim_wsp(moon_span_sub(spec, equals + 1, spec.n));
    keep_tag(r, name, value);
    if (!r->no_memory)
        read_tag(r, name, value);
}

enum moon_status moon_dmarc_record_parse(struct moon_arena *arena, struct moon_span text,
                                         struct moon_dmarc_record *record_r, bool *is_dmarc_r)
{
    struct reader r = {.arena = arena, .record = record_r};
    struct moon_buf in = moon_buf_of(text);

    *is_dmarc_r = take_version(&in);
    if (!*is_dmarc_r)
        return MOON_OK;
    *record_r = (struct moon_dmarc_record){.psd = 'u', .adkim = 'r', .aspf = 'r', .pct = 100};
    moon_str_begin(&r.error, arena);
    record_r->text = shown(&r, moon_span_sub(text, 0, MOON_DMARC_RECORD_MAX));
    keep_tag(&r, MOON_SPAN("v"), MOON_SPAN("DMARC1"));
    if (text.n > MOON_DMARC_RECORD_MAX) {
        moon_str_addf(&r.error, "longer than %u bytes", MOON_DMARC_RECORD_MAX);
        in.left = 0; /* without p= it is not usable */
    }
    while (!moon_buf_at_end(&in) && !r.no_memory) {
        read_spec(&r, moon_buf_until(&in, ';'));
        (void)moon_buf_skip(&in, ';'); /* the last may have none */
    }
    record_r->usable = record_r->p != MOON_DMARC_POLICY_ABSENT && !r.bad_policy; /* step 4 */
    record_r->error = r.error.length ? moon_str_end(&r.error) : NULL;
    return r.no_memory || r.error.failed ? MOON_ENOMEM : MOON_OK;
}
