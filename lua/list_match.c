/* SPDX-License-Identifier: MIT
 *
 * list_match: which entry of a list holds, and by what. Each condition is a row of the table below:
 * a function that finds the item by which it holds.
 */
#include <stdio.h>
#include <string.h>

#include "engine/message/domain.h"
#include "lua/facts.h"

/* ".domain" means everything below it. */
static bool is_within(const char *domain, const char *item)
{
    if (item[0] != '.')
        return moon_domain_equal(domain, item);
    return moon_domain_within(domain, item + 1) && !moon_domain_equal(domain, item + 1);
}

static const char *find_domain(const struct moon_texts *texts, const char *domain)
{
    for (size_t i = 0; domain && i < texts->count; i++)
        if (is_within(domain, texts->items[i]))
            return texts->items[i];
    return NULL;
}

/* Addresses compare without case; domains as above. */
static const char *find_address(const struct moon_texts *texts, const char *address,
                                const char *domain)
{
    for (size_t i = 0; address && i < texts->count; i++) {
        const char *item = texts->items[i];
        if (strchr(item, '@') ? moon_span_is_nocase(moon_span_of(address), item)
                              : domain && is_within(domain, item))
            return item;
    }
    return NULL;
}

/* --- conditions: the item by which each holds, or NULL ------------------------------------------
 */

typedef const char *finder(const struct moon_list_entry *entry,
                           const struct moon_policy_input *input);

static const char *find_dkim(const struct moon_list_entry *entry,
                             const struct moon_policy_input *input)
{
    for (size_t i = 0; i < entry->dkim.count; i++)
        if (moon_records_dkim_passed(&input->results->dkim, entry->dkim.items[i]))
            return entry->dkim.items[i];
    return NULL;
}

static const char *find_spf(const struct moon_list_entry *entry,
                            const struct moon_policy_input *input)
{
    const struct moon_spf *spf = &input->results->spf;
    return spf->result == MOON_RESULT_PASS ? find_domain(&entry->spf, spf->domain) : NULL;
}

static const char *find_arc(const struct moon_list_entry *entry,
                            const struct moon_policy_input *input)
{
    for (size_t i = 0; i < entry->arc.count; i++)
        if (moon_arc_sealed_by(&input->results->arc, entry->arc.items[i]))
            return entry->arc.items[i];
    return NULL;
}

static const char *find_network(const struct moon_list_entry *entry,
                                const struct moon_policy_input *input)
{
    for (size_t i = 0; i < entry->network_texts.count; i++)
        if (moon_net_has(&entry->networks[i], &input->msg->session.ip))
            return entry->network_texts.items[i];
    return NULL;
}

static const char *find_host(const struct moon_list_entry *entry,
                             const struct moon_policy_input *input)
{
    struct moon_span name = moon_span_of(input->msg->session.host_name);
    char lower[256];
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = moon_lower(name.p[i]);
    lower[name.n] = '\0';
    return find_domain(&entry->hosts, lower);
}

/* A List-Id can be written by anybody: it needs a pass of the list's owner, unless the entry itself
 * says how the host is known. */
static const char *find_list(const struct moon_list_entry *entry,
                             const struct moon_policy_input *input)
{
    const struct moon_mailing_list *list = &input->results->list;
    bool known = entry->dkim.count || entry->spf.count || entry->arc.count ||
                 entry->network_texts.count || entry->hosts.count;
    if (list->id.count != 1 || (!known && !list->verified))
        return NULL;
    return find_domain(&entry->list_id, list->id.name);
}

static const char *find_mail_from(const struct moon_list_entry *entry,
                                  const struct moon_policy_input *input)
{
    return find_address(&entry->mail_from, input->msg->mail_from, input->msg->mail_from_domain);
}

/* All of them must be listed. */
static const char *find_recipients(const struct moon_list_entry *entry,
                                   const struct moon_policy_input *input)
{
    const char *found = NULL;
    for (size_t i = 0; i < input->recipient_count; i++) {
        const struct moon_recipient *recipient = &input->msg->recipients[input->recipients[i]];
        found = find_address(&entry->recipients, recipient->address, recipient->domain);
        if (!found)
            return NULL;
    }
    return found;
}

static const char *find_from(const struct moon_list_entry *entry,
                             const struct moon_policy_input *input)
{
    return find_domain(&entry->from, input->results->from.domain);
}

static const char *find_dmarc(const struct moon_list_entry *entry,
                              const struct moon_policy_input *input)
{
    const char *result = moon_result_name(input->results->dmarc.result);
    for (size_t i = 0; i < entry->dmarc.count; i++)
        if (!strcmp(entry->dmarc.items[i], result) || !strcmp(entry->dmarc.items[i], "any"))
            return entry->dmarc.items[i];
    return NULL;
}

#define AT(field) offsetof(struct moon_list_entry, field)

static const struct condition {
    const char *name;
    size_t offset;
    finder *find;
} conditions[] = {
    {"dkim", AT(dkim), find_dkim},
    {"spf", AT(spf), find_spf},
    {"arc", AT(arc), find_arc},
    {"networks", AT(network_texts), find_network},
    {"hosts", AT(hosts), find_host},
    {"list_id", AT(list_id), find_list},
    {"mail_from", AT(mail_from), find_mail_from},
    {"recipients", AT(recipients), find_recipients},
    {"from", AT(from), find_from},
    {"dmarc", AT(dmarc), find_dmarc},
};
#define CONDITION_COUNT (sizeof conditions / sizeof conditions[0])

static const struct moon_texts *texts_of(const struct moon_list_entry *entry,
                                         const struct condition *condition)
{
    return (const void *)((const char *)entry + condition->offset);
}

bool moon_list_entry_holds(const struct moon_list_entry *entry,
                           const struct moon_policy_input *input, const char **why_not_r)
{
    const char *why = NULL;
    for (size_t i = 0; i < CONDITION_COUNT && !why; i++)
        if (texts_of(entry, &conditions[i])->count && !conditions[i].find(entry, input))
            why = conditions[i].name;
    if (!why && entry->expires && input->msg->received_s >= entry->expires_s)
        why = "expired";
    if (why_not_r)
        *why_not_r = why;
    return !why;
}

void moon_list_entry_why(const struct moon_list_entry *entry, const struct moon_policy_input *input,
                         char *text_r, size_t size)
{
    size_t used = 0;
    *text_r = '\0';
    for (size_t i = 0; i < CONDITION_COUNT && used < size; i++) {
        const char *item =
            texts_of(entry, &conditions[i])->count ? conditions[i].find(entry, input) : NULL;
        int n = item ? snprintf(text_r + used, size - used, "%s%s=%s", used ? " " : "",
                                conditions[i].name, item)
                     : 0;
        used += n > 0 ? (size_t)n : 0; /* past the end: cut */
    }
}

/* The work of asking whether an entry holds. */
static size_t cost_of(const struct moon_list_entry *entry, const struct moon_policy_input *input)
{
    size_t cost = 5;
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        cost += texts_of(entry, &conditions[i])->count *
                (conditions[i].find == find_recipients ? input->recipient_count : 1);
    return cost;
}

const struct moon_list_entry *moon_list_first(lua_State *L, const struct moon_list *list,
                                              const char *asked)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    const char *expired = NULL, *why = NULL;
    char by[200];

    for (size_t i = 0; i < list->count; i++) {
        const struct moon_list_entry *entry = &list->entries[i];
        moon_sandbox_charge(L, cost_of(entry, decide->input));
        if (moon_list_entry_holds(entry, decide->input, &why)) {
            moon_list_entry_why(entry, decide->input, by, sizeof by);
            moon_facts_note(decide, "%s:%s=%.80s (%s:%d %s)", list->name, asked, entry->name,
                            list->path, entry->line, by);
            decide->matched = entry;
            decide->matched_in = decide->name;
            return entry;
        }
        if (!expired && !strcmp(why, "expired"))
            expired = entry->name;
    }
    if (expired)
        moon_facts_note(decide, "%s:%s=none (%.80s has expired)", list->name, asked, expired);
    else
        moon_facts_note(decide, "%s:%s=none", list->name, asked);
    return NULL;
}

bool moon_list_vouches(lua_State *L, const struct moon_list_entry *entry, bool must_hold,
                       const char *method)
{
    const struct moon_decide *decide = moon_sandbox_context(L);
    const struct moon_results *results = decide->input->results;
    bool yes = false;

    moon_sandbox_charge(L, cost_of(entry, decide->input));
    for (size_t i = 0; i < entry->arc.count && !yes; i++)
        yes = moon_arc_vouches(&results->arc, entry->arc.items[i], method, results->from.domain);
    return yes && (!must_hold || moon_list_entry_holds(entry, decide->input, NULL));
}

const struct moon_entry_ref *moon_list_entry_ref(struct moon_decide *decide,
                                                 const struct moon_list_entry *entry)
{
    struct moon_entry_ref *ref = moon_arena_alloc(decide->arena, sizeof *ref);
    char by[200] = "";

    if (moon_list_entry_holds(entry, decide->input, NULL)) /* a policy may name any */
        moon_list_entry_why(entry, decide->input, by, sizeof by);
    if (ref)
        *ref = (struct moon_entry_ref){.list = moon_arena_cstr(decide->arena, entry->list->path),
                                       .line = entry->line,
                                       .entry = moon_arena_cstr(decide->arena, entry->name),
                                       .by = moon_arena_cstr(decide->arena, by)};
    if (!ref || !ref->list || !ref->entry || !ref->by) {
        decide->no_memory = true;
        return NULL;
    }
    return ref;
}
