/* SPDX-License-Identifier: MIT
 *
 * mail: 1. the message  2. the signatures of those who sent it  3. what was changed on the way  4.
 * signatures made after that  5. ARC sets, the first one first  6. the zone with the keys' records.
 * RFC 6376, RFC 8617; how a signature is made stands in sign.c and seal.c.
 */
#include "engine/trial/mail.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/limits.h"
#include "engine/trial/seal.h"

#define SELECTOR "test"
/* Put behind the body while a broken signature is made, and taken off again. */
static const char spoil[] = "This was signed, but is not there.\r\n";

struct maker {
    const struct moon_trial_keys *keys;
    struct moon_arena *arena;
    const struct moon_test *test;
    struct moon_trial_mail *mail;
    struct moon_error *error;
    struct moon_str zone;
    const char *zone_given;
};

static enum moon_status no_memory(struct maker *m)
{
    return moon_fail(m->error, MOON_ENOMEM, "the message needs too much memory");
}

/* --- 1. and 3. -----------------------------------------------------------------------------------
 */

/* The names of days and months are English whatever the locale. */
static const char *date_of(struct moon_arena *arena, int64_t seconds)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    time_t at = (time_t)seconds;
    if (!gmtime_r(&at, &tm))
        return "Thu, 1 Jan 1970 00:00:00 +0000";
    return moon_arena_printf(arena, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday],
                             tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                             tm.tm_min, tm.tm_sec);
}

static const char *or_default(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* A field as one, folds included: a name, a colon, and no line end without white space behind. */
static bool is_field(const char *text)
{
    size_t n = strlen(text);
    const char *colon = strchr(text, ':');
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (!colon || colon == text || (size_t)(colon - text) >= n)
        return false;
    for (const char *c = text; c < colon; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n' && text[i + 1] != ' ' && text[i + 1] != '\t')
            return false;
    return true;
}

static enum moon_status add_fields(struct maker *m, struct moon_str *str,
                                   const struct moon_test_texts *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!is_field(fields->text[i]))
            return moon_fail(m->error, MOON_ECONF,
                             "headers: '%.60s' is no field like \"Name: value\"", fields->text[i]);
        moon_str_add_span(str, moon_span_trim(moon_span_of(fields->text[i])));
        moon_str_add(str, "\n");
    }
    return MOON_OK;
}

static void add_named(struct moon_str *str, const char *name, const char *value)
{
    if (value && *value)
        moon_str_addf(str, "%s: %s\n", name, value);
}

const char *moon_trial_address(struct moon_arena *arena, const char *text)
{
    struct moon_span whole = moon_span_of(text);
    size_t open = moon_span_rfind(whole, '<'), close = moon_span_rfind(whole, '>');
    if (open < whole.n && close < whole.n && open < close)
        return moon_arena_dup(arena, moon_span_sub(whole, open + 1, close - open - 1));
    return moon_arena_dup(arena, moon_span_trim(whole));
}

static const char *domain_of(const char *address)
{
    const char *at = address ? strrchr(address, '@') : NULL;
    return at ? at + 1 : "";
}

/* The message without signatures, lines as they come; with what was changed on the way. */
static enum moon_status build(struct maker *m, bool changed, const char **text_r)
{
    const struct moon_test_message *message = &m->test->message;
    const struct moon_test_changed *change = &message->changed;
    const char *from = or_default(message->from, "author@example.com");
    struct moon_str str;
    moon_str_begin(&str, m->arena);
    enum moon_status status = add_fields(m, &str, &message->headers);
    m->mail->from = moon_trial_address(m->arena, from);
    const char *id =
        moon_arena_printf(m->arena, "<test@%s>",
                          *domain_of(m->mail->from) ? domain_of(m->mail->from) : "test.invalid");
    add_named(&str, "From", changed && change->from ? change->from : from);
    add_named(&str, "To", or_default(message->to, "someone@example.org"));
    add_named(&str, "Subject",
              changed && change->subject ? change->subject : or_default(message->subject, "Test"));
    add_named(&str, "Date", or_default(message->date, date_of(m->arena, m->test->now_s)));
    add_named(&str, "Message-ID", or_default(message->id, id));
    moon_str_addf(&str, "\n");
    moon_str_add(&str, or_default(message->body, "Hello,\n\nthis is a test.\n"));
    if (changed && change->append)
        moon_str_add(&str, change->append);
    *text_r = moon_str_end(&str);
    if (status == MOON_OK && (!*text_r || !m->mail->from || !id))
        return no_memory(m);
    return status;
}

/* The message out of a file. */
static enum moon_status from_file(struct maker *m, struct moon_span file, bool changed,
                                  const char **text_r)
{
    const struct moon_test_message *message = &m->test->message;
    struct moon_str str;
    if (message->from || message->to || message->subject || message->date || message->id ||
        message->body || message->headers.count || message->changed.subject ||
        message->changed.from)
        return moon_fail(
            m->error, MOON_ECONF,
            "message: a message from a file can be signed, sealed and appended to, but "
            "has its own fields and body");
    if (memchr(file.p ? file.p : "", '\0', file.n))
        return moon_fail(m->error, MOON_ECONF, "message: %.100s has a byte 0 in it", message->file);
    moon_str_begin(&str, m->arena);
    moon_str_add_span(&str, file);
    if (changed && message->changed.append)
        moon_str_add(&str, message->changed.append);
    *text_r = moon_str_end(&str);
    m->mail->from = "";
    return *text_r ? MOON_OK : no_memory(m);
}

/* --- 2. and 4. -----------------------------------------------------------------------------------
 */

/* The record of a key, in strings that fit a TXT record, unless the zone has that name already. */
static enum moon_status publish(struct maker *m, const char *domain, const char *selector,
                                EVP_PKEY *key)
{
    const char *name = moon_arena_printf(m->arena, "%s._domainkey.%s.", selector, domain);
    char *record = name ? moon_sign_record(key, 0) : NULL;
    struct moon_span rest = moon_span_of(record);
    struct moon_str so_far = m->zone;
    const char *known = moon_str_end(&so_far);

    if (!record || !known) {
        free(record);
        return no_memory(m);
    }
    if (!strstr(known, name)) {
        moon_str_addf(&m->zone, "\n%s TXT", name);
        while (rest.n) {
            struct moon_span part = moon_span_sub(rest, 0, 200);
            rest = moon_span_sub(rest, part.n, rest.n);
            moon_str_addf(&m->zone, " \"%.*s\"", (int)part.n, part.p);
        }
        moon_str_add(&m->zone, "\n");
    }
    free(record);
    return MOON_OK;
}

static EVP_PKEY *key_for(struct maker *m, const char *algorithm)
{
    if (!algorithm || !strncmp(algorithm, "rsa-", 4))
        return m->keys->rsa;
    return strcmp(algorithm, "ed25519-sha256") == 0 ? m->keys->ed25519 : NULL;
}

static enum moon_status wrong_algorithm(struct maker *m, const char *algorithm)
{
    return moon_fail(m->error, MOON_ECONF,
                     "algorithm '%.40s' cannot be signed with: rsa-sha256, rsa-sha1, "
                     "ed25519-sha256",
                     algorithm);
}

static bool is_algorithm(const char *algorithm)
{
    return !algorithm || !strcmp(algorithm, "rsa-sha256") || !strcmp(algorithm, "rsa-sha1") ||
           !strcmp(algorithm, "ed25519-sha256");
}

/* Takes heap text of `size` bytes, without its last `less`, into the arena. */
static enum moon_status keep(struct maker *m, char *made, size_t size, size_t less,
                             const char **text_r)
{
    if (!made)
        return moon_fail(m->error, MOON_EIO, "the message could not be signed");
    *text_r = moon_arena_dup(m->arena, (struct moon_span){made, size - less});
    free(made);
    return *text_r ? MOON_OK : no_memory(m);
}

static enum moon_status sign(struct maker *m, const struct moon_test_sign *wanted,
                             const char **text)
{
    const char *domain = or_default(wanted->domain, domain_of(m->mail->from));
    const char *selector = or_default(wanted->selector, SELECTOR);
    EVP_PKEY *key = key_for(m, wanted->algorithm);
    struct moon_sign how = moon_sign_default(domain, selector);
    const char *input = *text;
    size_t size = 0;

    if (!*domain)
        return moon_fail(m->error, MOON_ECONF, "sign: whose signature? Say domain = \"a.example\"");
    if (!key || !is_algorithm(wanted->algorithm))
        return wrong_algorithm(m, wanted->algorithm);
    how.algorithm = wanted->algorithm;
    how.canon = or_default(wanted->canon, "relaxed/relaxed");
    how.headers = wanted->headers;
    how.identity = wanted->identity;
    how.length = wanted->length;
    how.signed_at_s = wanted->signed_at_s;
    how.expires_s = wanted->expires_s;
    if (wanted->broken)
        input = moon_arena_printf(m->arena, "%s%s", *text, spoil);
    if (!input)
        return no_memory(m);
    char *made = moon_sign_message(&how, key, input, strlen(input), &size);
    enum moon_status status = keep(m, made, size, wanted->broken ? strlen(spoil) : 0, text);
    if (status == MOON_OK && !wanted->unpublished)
        status = publish(m, domain, selector, key);
    return status;
}

static enum moon_status sign_all(struct maker *m, bool late, const char **text)
{
    enum moon_status status = MOON_OK;
    for (size_t i = 0; status == MOON_OK && i < m->test->message.sign_count; i++)
        if (m->test->message.sign[i].late == late)
            status = sign(m, &m->test->message.sign[i], text);
    return status;
}

/* --- 3. what stands above the message stays ------------------------------------------------------
 */

static enum moon_status change(struct maker *m, struct moon_span file, const char *before,
                               const char **text)
{
    const struct moon_test_message *message = &m->test->message;
    const char *changed = NULL;
    struct moon_str str;
    size_t whole = strlen(*text), size = 0;
    char *plain = moon_sign_crlf(before, strlen(before), &size);

    free(plain); /* only its size is wanted: what is longer stands above */
    moon_str_begin(&str, m->arena);
    enum moon_status status = add_fields(m, &str, &message->changed.headers);
    if (status == MOON_OK)
        status = message->file ? from_file(m, file, true, &changed) : build(m, true, &changed);
    if (status != MOON_OK)
        return status;
    moon_str_add_span(&str, (struct moon_span){*text, whole > size ? whole - size : 0});
    moon_str_add(&str, changed);
    *text = moon_str_end(&str);
    return *text ? MOON_OK : no_memory(m);
}

/* --- 5. ------------------------------------------------------------------------------------------
 */

static enum moon_status seal(struct maker *m, const struct moon_test_seal *wanted,
                             unsigned instance, const char **text)
{
    EVP_PKEY *key = key_for(m, wanted->algorithm);
    struct moon_seal how = {.instance = instance,
                            .domain = wanted->domain,
                            .selector = or_default(wanted->selector, SELECTOR),
                            .cv = wanted->cv,
                            .results = wanted->results};
    const char *input = *text;
    size_t size = 0;

    if (!how.domain || !*how.domain)
        return moon_fail(m->error, MOON_ECONF, "seal: who sealed? Say domain = \"a.example\"");
    if (!key || !is_algorithm(wanted->algorithm))
        return wrong_algorithm(m, wanted->algorithm);
    if (wanted->broken)
        input = moon_arena_printf(m->arena, "%s%s", *text, spoil);
    if (!input)
        return no_memory(m);
    char *made = moon_seal_message(&how, key, input, strlen(input), &size);
    enum moon_status status = keep(m, made, size, wanted->broken ? strlen(spoil) : 0, text);
    if (status == MOON_OK && !wanted->unpublished)
        status = publish(m, how.domain, how.selector, key);
    return status;
}

/* --- all -----------------------------------------------------------------------------------------
 */

bool moon_trial_zone_is_file(const char *zone)
{
    return zone && *zone && !zone[strcspn(zone, " \t\r\n")];
}

static bool is_changed(const struct moon_test_changed *changed)
{
    return changed->subject || changed->from || changed->append || changed->headers.count;
}

enum moon_status moon_trial_mail_make(const struct moon_trial_keys *keys, struct moon_arena *arena,
                                      const struct moon_test *test, struct moon_span file,
                                      struct moon_span zone, struct moon_trial_mail *mail_r,
                                      struct moon_error *error)
{
    struct maker m = {.keys = keys, .arena = arena, .test = test, .mail = mail_r, .error = error};
    const struct moon_test_message *message = &test->message;
    const char *text = NULL;
    size_t size = 0;

    *mail_r = (struct moon_trial_mail){.from = ""};
    moon_str_begin(&m.zone, arena);
    moon_str_add_span(&m.zone, zone);
    enum moon_status status =
        message->file ? from_file(&m, file, false, &text) : build(&m, false, &text); /* step 1 */
    const char *before = text;
    if (status == MOON_OK)
        status = sign_all(&m, false, &text); /* step 2 */
    if (status == MOON_OK && is_changed(&message->changed))
        status = change(&m, file, before, &text); /* step 3 */
    if (status == MOON_OK)
        status = sign_all(&m, true, &text); /* step 4 */
    for (unsigned i = 0; status == MOON_OK && i < message->seal_count; i++)
        status = seal(&m, &message->seal[i], i + 1, &text); /* step 5 */
    if (status != MOON_OK)
        return status;
    char *lines = moon_sign_crlf(text, strlen(text), &size);
    status = keep(&m, lines, size, 0, &text);
    mail_r->text = (struct moon_span){text, size};
    mail_r->zone = moon_str_end(&m.zone); /* step 6 */
    return status == MOON_OK && !mail_r->zone ? no_memory(&m) : status;
}
