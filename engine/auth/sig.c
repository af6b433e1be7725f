/* SPDX-License-Identifier: MIT
 *
 * sig: reads a DKIM-Signature field (RFC 6376 sections 3.5 and 6.1.1, RFC 8301, RFC 8463), or one
 * of the two signatures of ARC that are like it (RFC 8617 sections 4.1.2 and 4.1.3).
 *
 * 1. Size, tag list, version.           Every step notes the first reason to refuse and goes on, so
 * 2. a=, c=, q=                         that reports can show what could be read.
 * 3. b=, bh= (strict base64)            Words: neutral, what we cannot understand or do not know;
 * 4. d=, s=, i=                         permerror, what we understand and is not allowed; policy,
 * 5. h=                                 what may be right and is too much or too weak for us.
 * 6. l=, t=, x=
 */
#include "engine/auth/sig.h"

#include <string.h>

#include "engine/auth/sig_base64.h"
#include "engine/base/limits.h"
#include "engine/message/domain.h"

#define TIME_MAX  INT64_MAX
#define HASH_SIZE 32u

void moon_sig_refuse(struct moon_sig *sig, enum moon_result result, const char *reason)
{
    if (sig->result == MOON_RESULT_NONE) {
        sig->result = result;
        sig->reason = reason;
    }
}

static const struct moon_tag *required(struct moon_sig *sig, const char *name, const char *reason)
{
    const struct moon_tag *tag = moon_tags_find(&sig->tags, name);
    if (!tag || tag->value.n == 0)
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, reason);
    return tag;
}

/* --- step 1 --- */

static bool has_too_many_tags(struct moon_span text)
{
    struct moon_span list = moon_span_trim(text);
    size_t count = 1;
    for (size_t i = 0; i + 1 < list.n; i++) /* behind a final semicolon comes no tag */
        count += list.p[i] == ';';
    return count > MOON_SIG_TAGS_MAX;
}

static enum moon_status read_tags(struct moon_arena *arena, struct moon_sig *sig)
{
    const char *reason;

    if (sig->field->raw.n > MOON_SIG_BYTES_MAX) {
        moon_sig_refuse(sig, MOON_RESULT_POLICY, "the signature is longer than 16384 bytes");
        return MOON_OK;
    }
    if (has_too_many_tags(sig->field->value)) {
        moon_sig_refuse(sig, MOON_RESULT_POLICY, "the signature has more than 40 tags");
        return MOON_OK;
    }
    enum moon_status status = moon_tags_parse(arena, sig->field->value, &sig->tags, &reason);
    if (status == MOON_OK && reason) {
        reason = moon_arena_printf(arena, "the signature has %s", reason);
        if (!reason)
            return MOON_ENOMEM;
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, reason);
    }
    return status;
}

/* RFC 8617 section 4.1.2: in ARC an undefined tag, passed over. */
static void read_version(struct moon_sig *sig)
{
    if (sig->kind != MOON_SIG_KIND_DKIM)
        return;
    const struct moon_tag *v = required(sig, "v", "the signature has no v=");
    if (v && !moon_span_is(v->value, "1"))
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "v= is not 1");
}

/* --- step 2 --- */

static enum moon_status read_algorithm(struct moon_arena *arena, struct moon_sig *sig)
{
    const struct moon_tag *a = required(sig, "a", "the signature has no a=");
    if (!a)
        return MOON_OK;
    sig->algorithm_text = moon_arena_dup(arena, a->value);
    if (moon_span_is(a->value, "rsa-sha256"))
        sig->algorithm = MOON_SIG_ALGORITHM_RSA_SHA256;
    else if (moon_span_is(a->value, "ed25519-sha256"))
        sig->algorithm = MOON_SIG_ALGORITHM_ED25519_SHA256;
    else if (moon_span_is_nocase(a->value, "rsa-sha1"))
        moon_sig_refuse(sig, MOON_RESULT_POLICY, "rsa-sha1 is not acceptable (RFC 8301)");
    else
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "a= is unknown");
    return sig->algorithm_text ? MOON_OK : MOON_ENOMEM;
}

static bool canon_of(struct moon_span word, enum moon_sig_canon *canon_r)
{
    *canon_r = moon_span_is(word, "relaxed") ? MOON_SIG_CANON_RELAXED : MOON_SIG_CANON_SIMPLE;
    return *canon_r == MOON_SIG_CANON_RELAXED || moon_span_is(word, "simple");
}

static void read_canon(struct moon_sig *sig)
{
    const struct moon_tag *c = moon_tags_find(&sig->tags, "c");
    if (!c || sig->kind == MOON_SIG_KIND_ARC_SEAL)
        return; /* simple/simple; a seal has no choice: RFC 8617 section 4.1.3 */
    size_t slash = moon_span_find(c->value, '/');
    bool ok = canon_of(moon_span_sub(c->value, 0, slash), &sig->header_canon);
    if (slash != (size_t)-1)
        ok = canon_of(moon_span_sub(c->value, slash + 1, c->value.n), &sig->body_canon) && ok;
    if (!ok)
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "c= is unknown");
}

/* RFC 6376 section 3.5: unknown query methods are passed over; one must be known. */
static void read_query(struct moon_sig *sig)
{
    const struct moon_tag *q = moon_tags_find(&sig->tags, "q");
    if (!q || sig->kind == MOON_SIG_KIND_ARC_SEAL)
        return;
    struct moon_buf buf = moon_buf_of(q->value);
    do {
        if (moon_span_is_nocase(moon_span_trim(moon_buf_until(&buf, ':')), "dns/txt"))
            return;
    } while (moon_buf_skip(&buf, ':'));
    moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "q= has no method that is known");
}

/* --- step 3 --- */

static enum moon_status read_base64(struct moon_arena *arena, struct moon_sig *sig)
{
    const struct moon_tag *b = required(sig, "b", "the signature has no b=");
    const struct moon_tag *bh = sig->kind == MOON_SIG_KIND_ARC_SEAL
                                    ? NULL
                                    : required(sig, "bh", "the signature has no bh=");
    bool valid;

    if (b) {
        if (moon_sig_base64_decode(arena, b->value, &sig->signature, &valid) != MOON_OK)
            return MOON_ENOMEM;
        if (!valid)
            moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "b= is no base64");
        struct moon_str start;
        moon_str_begin(&start, arena);
        for (size_t i = 0; valid && i < b->value.n && start.length < 8; i++)
            if (moon_is_alnum(b->value.p[i]) || b->value.p[i] == '+' || b->value.p[i] == '/')
                moon_str_add_char(&start, b->value.p[i]);
        sig->signature_start = valid ? moon_str_end(&start) : NULL;
        if (valid && !sig->signature_start)
            return MOON_ENOMEM;
    }
    if (bh) {
        if (moon_sig_base64_decode(arena, bh->value, &sig->body_hash, &valid) != MOON_OK)
            return MOON_ENOMEM;
        if (!valid || sig->body_hash.n != HASH_SIZE)
            moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "bh= is no base64 of a hash");
    }
    return MOON_OK;
}

/* --- step 4 --- */

/* A name of the grammar, with no final dot and no FWS inside; U-labels are fine in ARC as well (RFC
 * 8617 section 4.1.4). */
static const char *domain_of(struct moon_arena *arena, struct moon_span text)
{
    if (text.n == 0 || text.p[text.n - 1] == '.')
        return NULL;
    return moon_domain_normalize(arena, text);
}

static enum moon_status read_names(struct moon_arena *arena, struct moon_sig *sig)
{
    const struct moon_tag *d = required(sig, "d", "the signature has no d=");
    const struct moon_tag *s = required(sig, "s", "the signature has no s=");

    if (d)
        sig->domain = domain_of(arena, d->value);
    if (sig->domain && moon_domain_labels(sig->domain) < 2)
        sig->domain = NULL; /* RFC 6376 section 3.5: domain-name has a dot */
    if (!sig->domain)
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "d= is no domain name");
    if (s)
        sig->selector = domain_of(arena, s->value);
    if (!sig->selector)
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "s= is no selector");
    if (!sig->domain || !sig->selector)
        return MOON_OK;
    if (strlen(sig->domain) + strlen(sig->selector) + strlen("._domainkey.") > MOON_DOMAIN_MAX) {
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "s= and d= make no domain name");
        return MOON_OK;
    }
    sig->key_name = moon_arena_printf(arena, "%s._domainkey.%s", sig->selector, sig->domain);
    return sig->key_name ? MOON_OK : MOON_ENOMEM;
}

/* dkim-quoted-printable of RFC 6376 section 2.11, FWS left out; no controls come out, as no tag
 * list has any. */
static bool decode_quoted(struct moon_span text, struct moon_str *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (moon_is_wsp(c) || c == '\r' || c == '\n')
            continue;
        if (c == '=') {
            if (i + 2 >= text.n)
                return false;
            int high = moon_hex_value(text.p[i + 1]), low = moon_hex_value(text.p[i + 2]);
            if (high < 2 || low < 0 || high * 16 + low == 0x7f)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        moon_str_add_char(out, c);
    }
    return true;
}

/* RFC 8617 section 4.2.1: 1*2DIGIT, 1 to 50. */
static void read_instance(struct moon_sig *sig)
{
    const struct moon_tag *i = moon_tags_find(&sig->tags, "i");
    uint64_t number;

    if (i && i->value.n <= 2 && moon_span_number(i->value, MOON_ARC_INSTANCES_MAX, &number))
        sig->instance = (unsigned)number;
    if (sig->instance == 0)
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "i= is no number from 1 to 50");
    sig->identity_domain = sig->domain;
}

/* RFC 5321 section 4.1.2: a Local-part has an "@" only as a quoted string. */
static bool has_bare_at(struct moon_span local)
{
    if (moon_span_find(local, '@') == (size_t)-1)
        return false;
    if (local.p[0] != '"' || local.p[local.n - 1] != '"')
        return true;
    for (size_t i = 1; i + 1 < local.n; i++) {
        if (local.p[i] == '"')
            return true;
        if (local.p[i] == '\\' && ++i + 1 >= local.n)
            return true;
    }
    return false;
}

static enum moon_status read_identity(struct moon_arena *arena, struct moon_sig *sig)
{
    const struct moon_tag *i = moon_tags_find(&sig->tags, "i");
    struct moon_str str;

    if (!i) {
        sig->identity_domain = sig->domain;
        sig->identity = sig->domain ? moon_arena_printf(arena, "@%s", sig->domain) : NULL;
        return sig->domain && !sig->identity ? MOON_ENOMEM : MOON_OK;
    }
    if (i->value.n > MOON_SIG_IDENTITY_MAX) {
        moon_sig_refuse(sig, MOON_RESULT_POLICY, "i= is longer than 254 bytes");
        return MOON_OK;
    }
    moon_str_begin(&str, arena);
    bool valid = decode_quoted(i->value, &str);
    size_t n = str.length;
    const char *text = moon_str_end(&str);
    if (!text)
        return MOON_ENOMEM;
    struct moon_span identity = {text, n};
    size_t at = moon_span_rfind(identity, '@');
    if (!valid || at == (size_t)-1 || has_bare_at(moon_span_sub(identity, 0, at))) {
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "i= is no identity");
        return MOON_OK;
    }
    sig->identity = text;
    sig->identity_domain = domain_of(arena, moon_span_sub(identity, at + 1, n));
    if (!sig->identity_domain || !sig->domain ||
        !moon_domain_within(sig->identity_domain, sig->domain))
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "i= is not within d=");
    return MOON_OK;
}

/* --- step 5 --- */

static bool is_field_name(struct moon_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= 0x20 || name.p[i] >= 0x7f) /* ':' and ';' cannot be there */
            return false;
    return true;
}

/* Adds one name; false without memory. */
static bool add_name(struct moon_arena *arena, struct moon_sig *sig, struct moon_span text)
{
    char *name = moon_arena_dup(arena, text);
    unsigned occurrence = 0;

    for (size_t i = 0; name && name[i]; i++)
        name[i] = moon_lower(name[i]);
    for (size_t i = sig->name_count; name && i > 0 && occurrence == 0; i--)
        if (strcmp(sig->names[i - 1].name, name) == 0)
            occurrence = sig->names[i - 1].occurrence + 1;
    sig->names = moon_arena_append(arena, sig->names, sig->name_count, sizeof *sig->names);
    if (!name || !sig->names) {
        sig->name_count = 0;
        return false;
    }
    sig->names[sig->name_count++] = (struct moon_sig_name){name, occurrence};
    return true;
}

static enum moon_status read_headers(struct moon_arena *arena, struct moon_sig *sig)
{
    const struct moon_tag *h = moon_tags_find(&sig->tags, "h");
    bool from = false, seal = false, arc = sig->kind != MOON_SIG_KIND_DKIM;

    if (sig->kind == MOON_SIG_KIND_ARC_SEAL) {
        if (h) /* RFC 8617 section 4.1.3 */
            moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "h= is not allowed in a seal");
        return MOON_OK;
    }
    if (!h || (h->value.n == 0 && !arc))
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "the signature has no h=");
    if (!h)
        return MOON_OK;
    if (h->value.n > MOON_SIG_NAMES_BYTES_MAX) {
        moon_sig_refuse(sig, MOON_RESULT_POLICY, "h= is longer than 4095 bytes");
        return MOON_OK;
    }
    struct moon_buf buf = moon_buf_of(h->value);
    do {
        struct moon_span name = moon_span_trim(moon_buf_until(&buf, ':'));
        if (name.n == 0)
            continue; /* seen in the wild; it names nothing */
        if (sig->name_count == MOON_SIG_NAMES_MAX) {
            moon_sig_refuse(sig, MOON_RESULT_POLICY, "h= has more than 500 names");
            return MOON_OK;
        }
        if (!is_field_name(name))
            moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, "h= has a name that is no field name");
        else if (!add_name(arena, sig, name))
            return MOON_ENOMEM;
        from = from || moon_span_is_nocase(name, "from");
        seal = seal || moon_span_is_nocase(name, "arc-seal");
    } while (moon_buf_skip(&buf, ':'));
    if (!from && !arc) /* RFC 6376 section 5.4 */
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "h= does not name From");
    if (seal && arc) /* RFC 8617 section 4.1.2 */
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "h= names ARC-Seal");
    return MOON_OK;
}

/* --- step 6 --- */

/* Digits only; -1 when the tag is not there or wrong. */
static int64_t number_of(struct moon_sig *sig, const char *name, const char *reason)
{
    const struct moon_tag *tag = moon_tags_find(&sig->tags, name);
    uint64_t value;

    if (!tag)
        return -1;
    if (tag->value.n > 19 || !moon_span_number(tag->value, (uint64_t)TIME_MAX, &value)) {
        moon_sig_refuse(sig, MOON_RESULT_NEUTRAL, reason);
        return -1;
    }
    return (int64_t)value;
}

static void read_numbers(struct moon_sig *sig, int64_t now_s)
{
    bool seal = sig->kind == MOON_SIG_KIND_ARC_SEAL; /* has neither l= nor x= */

    sig->signed_at_s = number_of(sig, "t", "t= is no time");
    sig->body_length = seal ? -1 : number_of(sig, "l", "l= is no length");
    sig->expires_s = seal ? -1 : number_of(sig, "x", "x= is no time");
    if (sig->expires_s >= 0 && sig->signed_at_s >= 0 && sig->expires_s <= sig->signed_at_s)
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "x= is not later than t=");
    if (sig->expires_s >= 0 && sig->expires_s < now_s - MOON_SIG_DRIFT_S)
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "the signature has expired");
    if (sig->signed_at_s > now_s + MOON_SIG_DRIFT_S)
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "t= is in the future");
}

enum moon_status moon_sig_parse(struct moon_arena *arena, const struct moon_field *field,
                                int64_t now_s, struct moon_sig *sig_r)
{
    return moon_sig_parse_kind(arena, field, MOON_SIG_KIND_DKIM, now_s, sig_r);
}

enum moon_status moon_sig_parse_kind(struct moon_arena *arena, const struct moon_field *field,
                                     enum moon_sig_kind kind, int64_t now_s, struct moon_sig *sig_r)
{
    *sig_r = (struct moon_sig){.kind = kind, .field = field, .reason = ""};
    enum moon_status status = read_tags(arena, sig_r);
    if (status != MOON_OK)
        return status;
    read_version(sig_r);
    status = read_algorithm(arena, sig_r);
    read_canon(sig_r);
    read_query(sig_r);
    if (status == MOON_OK)
        status = read_base64(arena, sig_r);
    if (status == MOON_OK)
        status = read_names(arena, sig_r);
    if (kind != MOON_SIG_KIND_DKIM)
        read_instance(sig_r);
    else if (status == MOON_OK)
        status = read_identity(arena, sig_r);
    if (status == MOON_OK)
        status = read_headers(arena, sig_r);
    read_numbers(sig_r, now_s);
    return status;
}

bool moon_sig_unsigned_text(struct moon_arena *arena, const struct moon_sig *sig,
                            struct moon_span *text_r)
{
    const struct moon_tag *b = moon_tags_find(&sig->tags, "b");
    struct moon_str str;

    if (!b)
        return false;
    /* With the white space around the value (RFC 6376 section 3.5, b=). */
    struct moon_span raw = sig->field->raw;
    size_t from = (size_t)(b->name.p - raw.p) + b->name.n;
    from += moon_span_find(moon_span_sub(raw, from, raw.n), '=') + 1;
    size_t n = moon_span_find(moon_span_sub(raw, from, raw.n), ';');
    moon_str_begin(&str, arena);
    moon_str_add_span(&str, moon_span_sub(raw, 0, from));
    if (n != (size_t)-1)
        moon_str_add_span(&str, moon_span_sub(raw, from + n, raw.n));
    text_r->n = str.length;
    text_r->p = moon_str_end(&str);
    return text_r->p != NULL;
}
