/* SPDX-License-Identifier: MIT
 *
 * spf_walker: the terms in order (RFC 7208 section 4.6.2), include and redirect by recursion.
 */
#include "tests/support/spf_walker.h"

#include "engine/auth/spf_check.h"
#include "engine/base/limits.h"

struct outcome {
    enum moon_result result;
    const struct moon_spf_term *matched;
    const struct moon_spf_scope *scope; /* the record that decided, after redirects */
};

static struct outcome walk(struct moon_spf_check *check, const struct moon_spf_scope *scope);

static bool has_address(struct moon_spf_check *check, const struct moon_spf_term *term,
                        const char *name)
{
    const struct moon_ip *client = &check->vars.ip;
    const struct moon_dns_answer *answer =
        moon_spf_check_ask(check, name, moon_spf_ip_type(client));

    for (size_t i = 0; answer && i < answer->count; i++)
        if (moon_ip_match(&answer->records[i].ip, client,
                          client->family == 6 ? term->bits6 : term->bits4))
            return true;
    return false;
}

static bool match_mx(struct moon_spf_check *check, const struct moon_spf_term *term,
                     const char *name)
{
    const struct moon_dns_answer *answer = moon_spf_check_ask(check, name, MOON_DNS_TYPE_MX);

    if (answer && answer->count > MOON_SPF_MX_MAX)
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%s: more than %u MX records", name,
                            MOON_SPF_MX_MAX);
    for (size_t i = 0; answer && i < answer->count && !check->stopped; i++)
        if (answer->records[i].name[0] != '\0' && has_address(check, term, answer->records[i].name))
            return true;
    return false;
}

/* The scope that include or redirect leads to; NULL when stopped. */
static const struct moon_spf_scope *enter(struct moon_spf_check *check,
                                          const struct moon_spf_target *target,
                                          const struct moon_spf_term *term)
{
    bool none;
    const struct moon_spf_scope *scope = moon_spf_check_fetch(check, target, &none);
    if (none)
        moon_spf_check_stop(check, MOON_RESULT_PERMERROR, "%.*s: no SPF record there",
                            (int)term->text.n, term->text.p);
    return scope;
}

static bool match_include(struct moon_spf_check *check, const struct moon_spf_target *target,
                          const struct moon_spf_term *term)
{
    const struct moon_spf_scope *scope = enter(check, target, term);
    return scope && walk(check, scope).result == MOON_RESULT_PASS && !check->stopped;
}

static bool match(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                  const struct moon_spf_term *term)
{
    const struct moon_dns_answer *answer;
    struct moon_spf_target target;

    if (term->kind == MOON_SPF_KIND_ALL || moon_spf_term_has_ip(term, &check->vars.ip))
        return true;
    if (!moon_spf_term_asks_dns(term) || !moon_spf_check_charge(check) ||
        moon_spf_term_is_mute(&check->vars, term) ||
        !moon_spf_check_target(check, scope, term, &target))
        return false;
    switch (term->kind) {
    case MOON_SPF_KIND_A:
        return has_address(check, term, target.name);
    case MOON_SPF_KIND_MX:
        return match_mx(check, term, target.name);
    case MOON_SPF_KIND_PTR:
        return moon_spf_check_ptr(check, &target);
    case MOON_SPF_KIND_INCLUDE:
        return match_include(check, &target, term);
    default:
        answer = moon_spf_check_ask(check, target.name, MOON_DNS_TYPE_A);
        return answer && answer->count;
    }
}

static struct outcome walk(struct moon_spf_check *check, const struct moon_spf_scope *scope)
{
    const struct moon_spf_record *record = &scope->record;
    const struct moon_spf_term *redirect = &record->redirect;
    struct outcome outcome = {MOON_RESULT_NEUTRAL, NULL, scope};
    struct moon_spf_target target;

    for (size_t i = 0; i < record->count && !check->stopped; i++)
        if (match(check, scope, &record->mechanisms[i]))
            return (struct outcome){record->mechanisms[i].qualifier, &record->mechanisms[i], scope};
    if (!record->has_redirect || moon_spf_term_is_mute(&check->vars, redirect) ||
        !moon_spf_check_charge(check) || !moon_spf_check_target(check, scope, redirect, &target))
        return outcome;
    const struct moon_spf_scope *next = enter(check, &target, redirect);
    return next ? walk(check, next) : outcome;
}

static void fill(struct moon_spf_check *check, const struct outcome *outcome,
                 struct moon_spf *spf_r)
{
    if (check->stopped) {
        spf_r->result = check->stop_result;
        spf_r->reason = check->stop_reason;
        return;
    }
    spf_r->result = outcome->result;
    spf_r->reason = outcome->matched ? "" : "no term matched";
    if (outcome->matched)
        spf_r->matched = moon_arena_dup(check->arena, outcome->matched->text);
    if (outcome->result == MOON_RESULT_FAIL)
        spf_r->explanation = moon_spf_check_explain(check, outcome->scope);
}

enum moon_status moon_spf_walker_check(struct moon_arena *arena, struct moon_dns *dns,
                                       const struct moon_spf_query *query, struct moon_spf *spf_r)
{
    struct outcome outcome = {MOON_RESULT_NONE, NULL, NULL};
    struct moon_spf_check check;
    struct moon_spf_target at;
    bool none = false;

    *spf_r = (struct moon_spf){.reason = ""};
    enum moon_status status =
        moon_spf_check_begin(&check, arena, dns, query, false, &spf_r->reason);
    if (status != MOON_OK || spf_r->reason)
        return status;
    if (moon_spf_target_of(arena, check.identity, &at) != MOON_OK)
        return MOON_ENOMEM;
    const struct moon_spf_scope *scope = moon_spf_check_fetch(&check, &at, &none);
    if (scope)
        outcome = walk(&check, scope);
    fill(&check, &outcome, spf_r);
    if (none)
        spf_r->reason = "the domain publishes no SPF record";
    spf_r->lookups = check.lookups;
    spf_r->voids = check.voids;
    return check.status;
}
