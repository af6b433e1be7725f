/* SPDX-License-Identifier: MIT
 *
 * authres: writes our Authentication-Results field, and tells which ones claim to be ours.
 *
 *   1. authserv-id
 *   2. spf of HELO, then of MAIL FROM: readers that keep the last spf see the one DMARC uses
 *   3. dkim, one entry per signature, as many as fit
 *   4. dmarc; arc; iprev; auth
 *
 * Two encoders guard the structure (RFC 8601 section 2.2). Names of our own checks are tokens
 * anyway; whatever else a stranger chose goes into a quoted string of printable ASCII in which no
 * character is left that has a meaning to any reader, however simple: no quote, backslash,
 * semicolon, parenthesis, equals sign or line end.
 */
#include "engine/auth/authres.h"

#include <stdio.h>
#include <string.h>

#include "engine/auth/authres_id.h"
#include "engine/base/limits.h"

#define VALUE_MAX                                                                                  \
    320u /* a local part of 64 bytes, '@', a domain of 253 (RFC 5321 section 4.5.3.1) */
#define LOCAL_MAX  64u
#define REASON_MAX 160u /* for people */
#define COLUMN_MAX 76u  /* soft: fold here (RFC 5322 section 2.1.1) */

struct writer {
    struct moon_str str;
    size_t column;
};

static void write_begin(struct writer *w, struct moon_arena *arena)
{
    moon_str_begin(&w->str, arena); /* the column is set by method() */
}

/* --- encoders -----------------------------------------------------------------------------------
 */

/* What replaces a byte that could mean something. */
static char harmless(char c)
{
    static const char from[] = "\"\\;()=", to[] = "'/,[]:";
    const char *at = c ? strchr(from, c) : NULL;
    if (at)
        return to[at - from];
    return c < 0x20 || c > 0x7e ? '?' : c;
}

static void add_quoted(struct moon_str *out, struct moon_span text, size_t max)
{
    moon_str_add_char(out, '"');
    for (size_t i = 0; i < text.n && i < max; i++)
        moon_str_add_char(out, harmless(text.p[i]));
    moon_str_add_char(out, '"');
}

static bool is_token(struct moon_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!moon_authres_is_token(text.p[i]))
            return false;
    return text.n > 0 && text.n <= VALUE_MAX;
}

/* dot-atom of RFC 5322 section 3.2.3, or nothing at all ("@example.com"). */
static bool is_plain_local(struct moon_span local)
{
    bool dot = true;

    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];
        bool atext = moon_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
        if (!atext && (c != '.' || dot))
            return false;
        dot = c == '.';
    }
    return local.n <= LOCAL_MAX && (local.n == 0 || !dot);
}

static void add_value(struct moon_str *out, struct moon_span text)
{
    if (is_token(text))
        moon_str_add_span(out, text);
    else
        add_quoted(out, text, VALUE_MAX);
}

/* local@domain as it is when it is plain, else quoted as a whole. */
static void add_address(struct moon_str *out, struct moon_span text)
{
    size_t at = moon_span_rfind(text, '@');
    if (at != (size_t)-1 && is_plain_local(moon_span_sub(text, 0, at)) &&
        is_token(moon_span_sub(text, at + 1, text.n)) && text.n <= VALUE_MAX)
        moon_str_add_span(out, text);
    else
        add_value(out, text);
}

/* --- entries ------------------------------------------------------------------------------------
 */

static void method(struct writer *w, const char *name, enum moon_result result, const char *reason)
{
    size_t before = w->str.length;

    moon_str_addf(&w->str, ";\n\t%s=%s", name, moon_result_name(result));
    if (result != MOON_RESULT_PASS && reason && *reason) {
        moon_str_add(&w->str, " reason=");
        add_quoted(&w->str, moon_span_of(reason), REASON_MAX);
    }
    w->column = w->str.length - before;
}

typedef void encoder(struct moon_str *out, struct moon_span text);

/* " name=value", folded before it when the line gets long. Nothing for no value. */
static void property(struct writer *w, const char *name, const char *value, encoder *encode)
{
    struct moon_str text;

    if (!value || !*value)
        return;
    moon_str_begin(&text, w->str.arena);
    moon_str_addf(&text, "%s=", name);
    encode(&text, moon_span_of(value));
    const char *done = moon_str_end(&text);
    if (!done) {
        w->str.failed = true;
        return;
    }
    if (w->column + 1 + text.length > COLUMN_MAX) {
        moon_str_add(&w->str, "\n\t ");
        w->column = 8;
    } else {
        moon_str_add_char(&w->str, ' ');
    }
    moon_str_add(&w->str, done);
    w->column += 1 + text.length;
}

static void write_spf(struct writer *w, const struct moon_message *msg,
                      const struct moon_results *results)
{
    const struct moon_spf *spf = &results->spf, *helo = &results->spf_helo;
    bool null_sender = *msg->mail_from == '\0';

    if (!null_sender && helo->domain && helo->result != MOON_RESULT_NONE) {
        method(w, "spf", helo->result, helo->reason);
        property(w, "smtp.helo", helo->domain, add_value);
    }
    method(w, "spf", spf->result, spf->reason);
    if (null_sender) { /* RFC 7208 section 2.4: the HELO identity stands in */
        property(w, "smtp.helo", spf->domain, add_value);
        return;
    }
    struct moon_span sender = moon_span_of(msg->mail_from);
    size_t at = moon_span_rfind(sender, '@');
    struct moon_span local = moon_span_sub(sender, 0, at == (size_t)-1 ? 0 : at);
    const char *value = spf->domain;
    if (!value)
        value = msg->mail_from;
    else if (local.n && is_plain_local(local)) {
        value = moon_arena_printf(w->str.arena, "%.*s@%s", (int)local.n, local.p, spf->domain);
        if (!value)
            w->str.failed = true;
    }
    property(w, "smtp.mailfrom", value, add_address);
}

static void write_signature(struct writer *w, const struct moon_dkim_sig *sig)
{
    struct moon_span identity = moon_span_of(sig->identity);
    bool default_identity = identity.n && identity.p[0] == '@' && sig->domain &&
                            moon_span_is(moon_span_sub(identity, 1, identity.n), sig->domain);

    method(w, "dkim", sig->result, sig->reason);
    property(w, "header.d", sig->domain, add_value);
    if (!default_identity)
        property(w, "header.i", sig->identity, add_address);
    property(w, "header.s", sig->selector, add_value);
    property(w, "header.a", sig->algorithm, add_value);
    property(w, "header.b", sig->signature_start, add_value);
}

/* One entry per signature, while they fit beside `reserved` bytes; the rest is counted. */
static void write_dkim(struct writer *w, const struct moon_dkim *dkim, size_t reserved)
{
    size_t written = 0;

    if (dkim->count == 0)
        method(w, "dkim", dkim->result, NULL);
    for (; written < dkim->count; written++) {
        struct writer one;
        write_begin(&one, w->str.arena);
        write_signature(&one, &dkim->sigs[written]);
        const char *text = moon_str_end(&one.str);
        if (!text)
            w->str.failed = true;
        else if (w->str.length + one.str.length + reserved + 40 > MOON_FIELD_BYTES_MAX)
            break;
        else
            moon_str_add(&w->str, text);
    }
    size_t found = dkim->found > dkim->count ? dkim->found : dkim->count;
    if (found > written)
        moon_str_addf(&w->str, "\n\t (%zu more signatures)", found - written);
}

/* RFC 8617 sections 6 and 10.2. */
static void write_arc(struct writer *w, const struct moon_message *msg, const struct moon_arc *arc)
{
    char text[MOON_IP_TEXT_MAX];

    method(w, "arc", arc->result, arc->reason);
    if (arc->result == MOON_RESULT_NONE)
        return;
    if (arc->result == MOON_RESULT_PASS && arc->oldest_pass >= 0) {
        (void)snprintf(text, sizeof text, "%d", arc->oldest_pass); /* fits */
        property(w, "header.oldest-pass", text, add_value);
    }
    property(w, "smtp.remote-ip", moon_ip_format(&msg->session.ip, text), add_value);
}

/* A comment for people (RFC 8601 section 2.2 allows one between any two parts), on a line of its
 * own:
 * "(override trusted_forwarder: Old lists server)". */
static void write_remark(struct writer *w, const char *remark)
{
    struct moon_span text = moon_span_sub(moon_span_of(remark), 0, REASON_MAX);

    if (text.n == 0)
        return;
    moon_str_add(&w->str, "\n\t (override ");
    for (size_t i = 0; i < text.n; i++)
        moon_str_add_char(&w->str, harmless(text.p[i]));
    moon_str_add_char(&w->str, ')');
    w->column = COLUMN_MAX; /* what follows begins a line */
}

static void write_rest(struct writer *w, const struct moon_message *msg,
                       const struct moon_results *results, const char *remark)
{
    char ip[MOON_IP_TEXT_MAX];
    const struct moon_dmarc *dmarc = &results->dmarc;

    method(w, "dmarc", dmarc->result, dmarc->reason);
    write_remark(w, remark);
    property(w, "header.from", results->from.domain, add_value);
    property(w, "policy.dmarc", moon_dmarc_policy_name(dmarc->policy), add_value);
    write_arc(w, msg, &results->arc);
    if (results->iprev != MOON_RESULT_NONE) {
        method(w, "iprev", results->iprev, NULL);
        property(w, "policy.iprev", moon_ip_format(&msg->session.ip, ip), add_value);
    }
    if (msg->session.authenticated) {
        method(w, "auth", MOON_RESULT_PASS, NULL);
        property(w, "smtp.auth", msg->session.authenticated_id, add_address);
    }
}

char *moon_authres_compose(struct moon_arena *arena, const struct moon_message *msg,
                           const struct moon_results *results)
{
    return moon_authres_compose_with(arena, msg, results, NULL);
}

char *moon_authres_compose_with(struct moon_arena *arena, const struct moon_message *msg,
                                const struct moon_results *results, const char *remark)
{
    struct writer head, rest;

    write_begin(&rest, arena);
    write_rest(&rest, msg, results, remark);
    const char *rest_text = moon_str_end(&rest.str);
    if (!rest_text)
        return NULL;
    write_begin(&head, arena);
    moon_str_add(&head.str, "Authentication-Results: ");
    add_value(&head.str, moon_span_of(results->authserv_id));
    write_spf(&head, msg, results);
    write_dkim(&head, &results->dkim, rest.str.length);
    moon_str_add(&head.str, rest_text);
    return moon_str_end(&head.str);
}

bool moon_authres_is_ours(struct moon_span value, const char *authserv_id)
{
    char id[MOON_AUTHRES_ID_SIZE];

    if (!moon_authres_read_id(value, id))
        return true;
    return moon_span_eq_nocase(moon_span_of(id), moon_span_of(authserv_id));
}
