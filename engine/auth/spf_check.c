/* SPDX-License-Identifier: MIT
 *
 * spf_check: the parts of check_host() (RFC 7208 section 4) that are the same whoever walks the
 * terms. Choices where RFC 7208 leaves room:
 *   - terms are counted before their question is asked, over the whole check, so that the eleventh
 *     is an error even if it would match (section 4.6.4);
 *   - void answers are counted for a, exists, mx, each MX host and the PTR set, at most two
 *     (section 4.6.4); those of PTR hosts, %{p} and exp= are not;
 *   - a term that RFC 8616 section 4 makes mute counts as a term and matches nothing; a mute
 *     redirect is as if it were not there.
 */
#include "engine/auth/spf_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/address.h"
#include "engine/message/domain.h"

/* One byte more than a name and its final dot: enough to tell that it must be cut. */
#define TARGET_BYTES (MOON_DOMAIN_MAX + 2)

void moon_spf_check_fail(struct moon_spf_check *check, enum moon_status status)
{
    check->stopped = true;
    if (check->status == MOON_OK)
        check->status = status;
}

void moon_spf_check_stop(struct moon_spf_check *check, enum moon_result result, const char *format,
                         ...)
{
    char text[400];
    va_list args;

    if (check->stopped)
        return;
    va_start(args, format);
    int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    check->stopped = true;
    check->stop_result = result;
    check->stop_reason = moon_arena_cstr(check->arena, written < 0 ? "" : text);
    if (!check->stop_reason)
        moon_spf_check_fail(check, MOON_ENOMEM);
}

/* --- identity ------------------------------------------------------------------------------- */

/* RFC 7208 section 4.3: a domain name of at least two labels, and no address literal. */
static const char *usable_domain(struct moon_arena *arena, const char *text)
{
    const char *domain = moon_domain_normalize(arena, moon_span_of(text));
    return domain && moon_domain_labels(domain) >= 2 ? domain : NULL;
}

/* %{h}: as given, but as A-labels when it is a name with U-labels (RFC 8616 section 4). */
static const char *macro_helo(struct moon_arena *arena, const char *helo)
{
    for (const char *c = helo; *c; c++)
        if ((unsigned char)*c >= 0x80) {
            const char *normalized = moon_domain_normalize(arena, moon_span_of(helo));
            return normalized ? normalized : helo;
        }
    return helo;
}

enum moon_status moon_spf_check_begin(struct moon_spf_check *check_r, struct moon_arena *arena,
                                      struct moon_dns *dns, const struct moon_spf_query *query,
                                      bool helo, const char **reason_r)
{
    const char *local = "", *domain = NULL;
    const char *given_helo = query->helo ? query->helo : "";

    *check_r = (struct moon_spf_check){.arena = arena, .dns = dns};
    if (!helo && query->mail_from && query->mail_from[0] != '\0') {
        enum moon_status status = moon_path_split(arena, query->mail_from, &local, &domain);
        if (status != MOON_OK)
            return status;
        if (domain && moon_domain_labels(domain) < 2)
            domain = NULL;
        *reason_r = "the domain of MAIL FROM is no name that could publish a record";
    } else {
        domain = usable_domain(arena, given_helo);
        *reason_r = "the HELO name is no name that could publish a record";
    }
    if (local[0] == '\0')
        local = "postmaster"; /* RFC 7208 sections 2.4 and 4.3 */
    if (query->ip.family == 0) {
        *reason_r = "the client has no address";
        domain = NULL;
    }
    check_r->identity = domain;
    if (!domain)
        return moon_arena_failed(arena) ? MOON_ENOMEM : MOON_OK; /* NULL may mean no memory */

    *reason_r = NULL;
    check_r->vars = (struct moon_spf_vars){
        .sender = moon_arena_printf(arena, "%s@%s", local, domain),
        .local = local,
        .sender_domain = domain,
        .helo = macro_helo(arena, given_helo),
        .receiver = query->receiver && query->receiver[0] ? query->receiver : "unknown",
        .ip = query->ip,
        .now_s = query->now_s,
    };
    return check_r->vars.sender ? MOON_OK : MOON_ENOMEM;
}

/* --- records -------------------------------------------------------------------------------- */

struct moon_span moon_spf_select(const struct moon_dns_answer *answer, unsigned *count_r)
{
    struct moon_span found = {NULL, 0};

    *count_r = 0;
    for (size_t i = 0; i < answer->count; i++)
        if (moon_spf_record_is(answer->records[i].text)) {
            found = answer->records[i].text;
            ++*count_r;
        }
    return found;
}

/* Exactly one record: parsed, or the check is stopped. */
static struct moon_spf_scope *parse(struct moon_spf_check *check, const struct moon_spf_target *at,
                                    struct moon_span text)
{
    struct moon_spf_scope *scope = moon_arena_alloc(check->arena, sizeof *scope);
    const char *wrong;

    if (!scope || moon_spf_record_parse(check->arena, text, &scope->record, &wrong) != MOON_OK) {
        moon_spf_check_fail(check, MOON_ENOMEM);
        return NULL;
    }
    scope->at = *at;
    if (wrong) {
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%s: %s", at->name, wrong);
        return NULL;
    }
    return scope;
}

/* Section 4.6.4 allows a limit of our own on what a record makes us ask: past it, permerror. */
static enum moon_result trouble_result(const struct moon_dns_answer *answer)
{
    return answer->refused ? MOON_RESULT_PERMERROR : MOON_RESULT_TEMPERROR;
}

struct moon_spf_scope *moon_spf_check_fetch(struct moon_spf_check *check,
                                            const struct moon_spf_target *at, bool *none_r)
{
    unsigned count;

    *none_r = !at->name || at->labels < 2; /* section 4.3: no such name, no question */
    if (*none_r)
        return NULL;
    const struct moon_dns_answer *answer = moon_dns_wait(check->dns, at->name, MOON_DNS_TYPE_TXT);
    if (answer->state == MOON_DNS_STATE_TROUBLE) {
        moon_spf_check_stop(check, trouble_result(answer), "%s TXT: %s", at->name, answer->reason);
        return NULL;
    }
    struct moon_span text = moon_spf_select(answer, &count);
    if (count > 1)
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%s: %u SPF records", at->name, count);
    *none_r = count == 0;
    return count == 1 ? parse(check, at, text) : NULL;
}

/* --- limits and questions ------------------------------------------------------------------- */

bool moon_spf_check_charge(struct moon_spf_check *check)
{
    if (check->stopped)
        return false;
    if (++check->lookups > MOON_SPF_TERMS_MAX)
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "more than %u terms that ask DNS",
                            MOON_SPF_TERMS_MAX);
    return !check->stopped;
}

static void count_void(struct moon_spf_check *check)
{
    if (++check->voids > MOON_SPF_VOIDS_MAX)
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "more than %u void lookups",
                            MOON_SPF_VOIDS_MAX);
}

const struct moon_dns_answer *moon_spf_check_ask(struct moon_spf_check *check, const char *name,
                                                 enum moon_dns_type type)
{
    static const struct moon_dns_answer impossible = {.state = MOON_DNS_STATE_NXDOMAIN,
                                                      .reason = ""};

    if (check->stopped)
        return NULL;
    const struct moon_dns_answer *answer =
        name ? moon_dns_wait(check->dns, name, type) : &impossible;
    if (answer->state == MOON_DNS_STATE_TROUBLE)
        moon_spf_check_stop(check, trouble_result(answer), "%s %s: %s", name,
                            moon_dns_type_name(type), answer->reason);
    else if (answer->count == 0)
        count_void(check);
    return check->stopped ? NULL : answer;
}

enum moon_dns_type moon_spf_ip_type(const struct moon_ip *client)
{
    return client->family == 6 ? MOON_DNS_TYPE_AAAA : MOON_DNS_TYPE_A;
}

/* --- validated names of the client ---------------------------------------------------------- */

const char *moon_spf_reverse_name(struct moon_arena *arena, const struct moon_ip *ip)
{
    static const char hex[] = "0123456789abcdef";
    char text[80];
    size_t n = 0;

    if (ip->family != 6)
        return moon_arena_printf(arena, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3], ip->bytes[2],
                                 ip->bytes[1], ip->bytes[0]);
    for (size_t i = 16; i > 0; i--) {
        text[n++] = hex[ip->bytes[i - 1] & 15];
        text[n++] = '.';
        text[n++] = hex[ip->bytes[i - 1] >> 4];
        text[n++] = '.';
    }
    text[n] = '\0';
    return moon_arena_printf(arena, "%sip6.arpa", text);
}

/* Does the host have the client's address? Errors skip the name (RFC 7208 section 5.5). Here and
 * for the PTR set only half of the time is waited: whoever owns the client's network decides about
 * these servers, and their silence must not be an error of the terms that follow. */
static bool is_validated(struct moon_spf_check *check, const char *host)
{
    const struct moon_dns_answer *answer =
        moon_dns_wait_half(check->dns, host, moon_spf_ip_type(&check->vars.ip));
    for (size_t i = 0; i < answer->count; i++)
        if (moon_ip_equal(&answer->records[i].ip, &check->vars.ip))
            return true;
    return false;
}

static const struct moon_dns_answer *ask_ptr(struct moon_spf_check *check)
{
    const char *name = moon_spf_reverse_name(check->arena, &check->vars.ip);
    if (!name) {
        moon_spf_check_fail(check, MOON_ENOMEM);
        return NULL;
    }
    return moon_dns_wait_half(check->dns, name, MOON_DNS_TYPE_PTR);
}

/* RFC 7208 section 4.6.4: the first ten PTR records, the rest is ignored. */
static bool has_ptr(const struct moon_dns_answer *answer, size_t i)
{
    return i < answer->count && i < MOON_SPF_PTR_MAX;
}

bool moon_spf_check_ptr(struct moon_spf_check *check, const struct moon_spf_target *target)
{
    const struct moon_dns_answer *answer = ask_ptr(check);

    if (!answer || answer->state == MOON_DNS_STATE_TROUBLE)
        return false; /* section 5.5: an error is no match */
    if (answer->count == 0)
        count_void(check);
    if (!target->name)
        return false;
    /* The cheap comparison first: only names that could match are asked for. */
    for (size_t i = 0; has_ptr(answer, i); i++) {
        const char *host = answer->records[i].name;
        if (moon_domain_within(host, target->name) && is_validated(check, host))
            return true;
    }
    return false;
}

/* %{p}: the domain itself, else a name below it, else the first (RFC 7208 section 7.3). NULL: none,
 * or stopped. */
static const char *validated_name(struct moon_spf_check *check, const struct moon_spf_target *at)
{
    const char *domain = at->name ? at->name : "";
    const struct moon_dns_answer *answer = ask_ptr(check);
    const char *below = NULL, *first = NULL;

    for (size_t i = 0; answer && has_ptr(answer, i); i++) {
        const char *host = answer->records[i].name;
        if (!is_validated(check, host))
            continue;
        if (moon_domain_equal(host, domain))
            return host;
        if (!below && moon_domain_within(host, domain))
            below = host;
        if (!first)
            first = host;
    }
    return below ? below : first;
}

/* --- targets -------------------------------------------------------------------------------- */

bool moon_spf_term_is_mute(const struct moon_spf_vars *vars, const struct moon_spf_term *term)
{
    for (const char *c = vars->local; *c; c++)
        if ((unsigned char)*c >= 0x80)
            return moon_spf_macro_uses(term->domain, "sl");
    return false;
}

static char *expand(struct moon_spf_check *check, struct moon_span text,
                    const struct moon_spf_target *at, enum moon_spf_macro_place place, size_t max)
{
    const char *validated = moon_spf_macro_uses(text, "p") ? validated_name(check, at) : NULL;
    char *expanded =
        moon_spf_macro_expand(check->arena, text, place, &check->vars, at->text, validated, max);
    if (!expanded)
        moon_spf_check_fail(check, MOON_ENOMEM);
    return expanded;
}

bool moon_spf_check_target(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                           const struct moon_spf_term *term, struct moon_spf_target *target_r)
{
    *target_r = scope->at;
    if (term->domain.n) {
        char *text = expand(check, term->domain, &scope->at, MOON_SPF_MACRO_DOMAIN, TARGET_BYTES);
        if (text && moon_spf_target_of(check->arena, text, target_r) != MOON_OK)
            moon_spf_check_fail(check, MOON_ENOMEM);
    }
    return !check->stopped;
}

/* --- explanation ---------------------------------------------------------------------------- */

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

const char *moon_spf_check_explain(struct moon_spf_check *check, const struct moon_spf_scope *scope)
{
    const struct moon_spf_term *term = &scope->record.exp;
    struct moon_spf_target target;

    if (!scope->record.has_exp || moon_spf_term_is_mute(&check->vars, term) ||
        !moon_spf_check_target(check, scope, term, &target) || !target.name)
        return NULL;
    const struct moon_dns_answer *answer =
        moon_dns_wait(check->dns, target.name, MOON_DNS_TYPE_TXT);
    if (answer->count != 1 || answer->more ||
        !moon_spf_macro_valid(answer->records[0].text, MOON_SPF_MACRO_EXPLANATION))
        return NULL;
    const char *text = expand(check, answer->records[0].text, &scope->at,
                              MOON_SPF_MACRO_EXPLANATION, MOON_SPF_EXPLANATION_MAX);
    return text && text[0] != '\0' && is_printable(text) ? text : NULL;
}
