/* SPDX-License-Identifier: MIT
 *
 * spf_prefetch: asks early. The records of both identities are asked for at once; when one arrives,
 * what its terms name is asked for, and so on: ten dependent round trips become three. Prefetching
 * charges no limit of RFC 7208 (the walk does) but asks for no more terms than the walk may use,
 * and has a cap of its own over both identities, so that a record cannot use up the message's
 * questions.
 *
 * On each answer:
 *   1. a record: its terms in order, up to the first that surely ends the walk (all, an ip4 or ip6
 *      that holds the client), then redirect,
 *   2. an MX or PTR set: the hosts' addresses, as far as the walk would ask.
 * Terms with %{p} are left to the walk: their name hangs on further answers.
 */
#include "engine/auth/spf_check.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/domain.h"

/* For each identity its own record and what its terms lead to. */
#define ITEMS_MAX (2 * (1 + MOON_SPF_TERMS_MAX))

/* A question whose answer leads on. */
struct item {
    const struct moon_dns_answer *answer;
    struct moon_spf_target at; /* of the record, or the target of ptr */
    unsigned identity;
    bool ready; /* the observer was told of the answer */
    bool done;  /* and it was followed */
};

struct moon_spf_prefetch {
    struct moon_spf_check checks[2]; /* MAIL FROM, HELO: their identity and macro values */
    unsigned terms_left[2];
    unsigned questions_left;
    struct item items[ITEMS_MAX];
    size_t count;
};

/* NULL when the cap is reached. */
static const struct moon_dns_answer *ask(struct moon_spf_prefetch *prefetch, const char *name,
                                         enum moon_dns_type type)
{
    struct moon_dns *dns = prefetch->checks[0].dns;
    struct moon_dns_stats before = moon_dns_stats(dns);

    if (prefetch->questions_left == 0)
        return NULL;
    const struct moon_dns_answer *answer = moon_dns_start(dns, name, type);
    struct moon_dns_stats now = moon_dns_stats(dns);
    /* Else it was asked before, or cannot be. */
    if (now.questions > before.questions || now.cached > before.cached)
        prefetch->questions_left--;
    return answer;
}

/* Asks, and follows the answer when it is told. */
static void follow(struct moon_spf_prefetch *prefetch, unsigned identity, const char *name,
                   enum moon_dns_type type, const struct moon_spf_target *at)
{
    const struct moon_dns_answer *answer = ask(prefetch, name, type);
    struct item item = {.answer = answer, .at = *at, .identity = identity};

    if (!answer)
        return;
    /* An answer is told once: what was told before (to the other identity) is ready. */
    for (size_t i = 0; i < prefetch->count; i++) {
        const struct item *other = &prefetch->items[i];
        if (other->answer == answer && other->identity == identity &&
            strcmp(other->at.name, at->name) == 0)
            return;
        item.ready = item.ready || (other->answer == answer && other->ready);
    }
    prefetch->items[prefetch->count++] = item;
}

static bool target_of(struct moon_spf_check *check, const struct moon_spf_target *at,
                      const struct moon_spf_term *term, struct moon_spf_target *target_r)
{
    struct moon_spf_scope scope = {.at = *at};

    return !moon_spf_macro_uses(term->domain, "p") && !moon_spf_term_is_mute(&check->vars, term) &&
           moon_spf_check_target(check, &scope, term, target_r) && target_r->name;
}

/* What one term of the record at `at` will ask first. */
static void start_term(struct moon_spf_prefetch *prefetch, unsigned identity,
                       const struct moon_spf_target *at, const struct moon_spf_term *term)
{
    struct moon_spf_check *check = &prefetch->checks[identity];
    struct moon_spf_target target;
    const char *reverse;

    prefetch->terms_left[identity]--;
    if (!target_of(check, at, term, &target))
        return;
    switch (term->kind) {
    case MOON_SPF_KIND_INCLUDE:
    case MOON_SPF_KIND_REDIRECT:
        if (target.labels >= 2)
            follow(prefetch, identity, target.name, MOON_DNS_TYPE_TXT, &target);
        break;
    case MOON_SPF_KIND_MX:
        follow(prefetch, identity, target.name, MOON_DNS_TYPE_MX, &target);
        break;
    case MOON_SPF_KIND_PTR:
        reverse = moon_spf_reverse_name(check->arena, &check->vars.ip);
        if (reverse)
            follow(prefetch, identity, reverse, MOON_DNS_TYPE_PTR, &target);
        break;
    case MOON_SPF_KIND_A:
        (void)ask(prefetch, target.name, moon_spf_ip_type(&check->vars.ip)); /* no follow-up */
        break;
    default:
        (void)ask(prefetch, target.name, MOON_DNS_TYPE_A); /* exists; no follow-up */
    }
}

/* Step 1. */
static void on_record(struct moon_spf_prefetch *prefetch, const struct item *item)
{
    struct moon_spf_check *check = &prefetch->checks[item->identity];
    unsigned *left = &prefetch->terms_left[item->identity];
    struct moon_spf_record record;
    const char *wrong;
    unsigned count;

    struct moon_span text = moon_spf_select(item->answer, &count);
    if (count != 1 || moon_spf_record_parse(check->arena, text, &record, &wrong) != MOON_OK ||
        wrong)
        return;
    for (size_t i = 0; i < record.count && *left; i++) {
        const struct moon_spf_term *term = &record.mechanisms[i];
        if (term->kind == MOON_SPF_KIND_ALL || moon_spf_term_has_ip(term, &check->vars.ip))
            return;
        if (moon_spf_term_asks_dns(term))
            start_term(prefetch, item->identity, &item->at, term);
    }
    if (record.has_redirect && *left)
        start_term(prefetch, item->identity, &item->at, &record.redirect);
}

/* Step 2. */
static void on_hosts(struct moon_spf_prefetch *prefetch, const struct item *item)
{
    const struct moon_dns_answer *answer = item->answer;
    bool ptr = answer->type == MOON_DNS_TYPE_PTR;
    enum moon_dns_type type = moon_spf_ip_type(&prefetch->checks[item->identity].vars.ip);

    if (!ptr && answer->count > MOON_SPF_MX_MAX)
        return; /* an error for the walk */
    for (size_t i = 0; i < answer->count && i < MOON_SPF_PTR_MAX; i++) {
        const char *host = answer->records[i].name;
        if (host[0] != '\0' && (!ptr || moon_domain_within(host, item->at.name)))
            (void)ask(prefetch, host, type); /* no follow-up */
    }
}

struct moon_spf_prefetch *moon_spf_prefetch_begin(struct moon_arena *arena, struct moon_dns *dns,
                                                  const struct moon_spf_query *query)
{
    struct moon_spf_prefetch *prefetch = moon_arena_alloc(arena, sizeof *prefetch);
    struct moon_spf_target at;
    const char *reason;

    if (!prefetch)
        return NULL;
    prefetch->questions_left = MOON_SPF_PREFETCH_MAX;
    for (unsigned i = 0; i < 2; i++) {
        struct moon_spf_check *check = &prefetch->checks[i];
        prefetch->terms_left[i] = MOON_SPF_TERMS_MAX;
        if (moon_spf_check_begin(check, arena, dns, query, i == 1, &reason) != MOON_OK)
            return NULL;
        /* The null sender's identity is the HELO one, with the same macro values. */
        if (!check->identity || (i == 1 && (!query->mail_from || query->mail_from[0] == '\0')))
            continue;
        if (moon_spf_target_of(arena, check->identity, &at) != MOON_OK)
            return NULL;
        follow(prefetch, i, at.name, MOON_DNS_TYPE_TXT, &at);
    }
    return prefetch;
}

void moon_spf_prefetch_observe(void *context, const struct moon_dns_answer *answer)
{
    struct moon_spf_prefetch *prefetch = context;

    for (size_t i = 0; i < prefetch->count; i++)
        prefetch->items[i].ready = prefetch->items[i].ready || prefetch->items[i].answer == answer;
    /* New items join at the end of the list, so one pass sees them, too. */
    for (size_t i = 0; i < prefetch->count; i++) {
        struct item *item = &prefetch->items[i];
        if (!item->ready || item->done)
            continue;
        item->done = true;
        if (item->answer->type == MOON_DNS_TYPE_TXT)
            on_record(prefetch, item);
        else
            on_hosts(prefetch, item);
    }
}
