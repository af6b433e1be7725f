/* SPDX-License-Identifier: MIT
 *
 * list_match: lists as a policy sees them: #list, list[i], list:match(m), list:has(domain).
 */
#include <string.h>

#include "engine/message/domain.h"
#include "lua/facts.h"

static bool has_address(const struct moon_texts *texts, const struct moon_recipient *recipient)
{
    struct moon_span address = moon_span_of(recipient->address);
    for (size_t i = 0; i < texts->count; i++) {
        const char *item = texts->items[i];
        if (strchr(item, '@') ? moon_span_is_nocase(address, item)
            : item[0] == '.'  ? moon_domain_within(recipient->domain, item + 1) &&
                                   !moon_domain_equal(recipient->domain, item + 1)
                             : moon_domain_equal(recipient->domain, item))
            return true;
    }
    return false;
}

static bool has_domain(const struct moon_texts *texts, const char *domain)
{
    for (size_t i = 0; domain && i < texts->count; i++) {
        const char *item = texts->items[i];
        if (item[0] == '.'
                ? moon_domain_within(domain, item + 1) && !moon_domain_equal(domain, item + 1)
                : moon_domain_equal(domain, item))
            return true;
    }
    return false;
}

static bool networks_hold(const struct moon_list_entry *entry, const struct moon_ip *ip)
{
    for (size_t i = 0; i < entry->network_count; i++)
        if (moon_net_has(&entry->networks[i], ip))
            return true;
    return entry->network_count == 0;
}

static bool recipients_hold(const struct moon_list_entry *entry,
                            const struct moon_policy_input *input)
{
    for (size_t i = 0; entry->recipients.count && i < input->recipient_count; i++)
        if (!has_address(&entry->recipients, &input->msg->recipients[input->recipients[i]]))
            return false;
    return true;
}

bool moon_list_entry_holds(const struct moon_list_entry *entry,
                           const struct moon_policy_input *input, const char **why_not_r)
{
    const struct moon_results *results = input->results;
    const char *why = NULL;

    if (entry->expires && input->msg->received_s >= entry->expires_s)
        why = "expired";
    else if (entry->dkim && !moon_records_dkim_passed(&results->dkim, entry->dkim))
        why = "dkim";
    else if (entry->spf && (results->spf.result != MOON_RESULT_PASS || !results->spf.domain ||
                            !moon_domain_equal(results->spf.domain, entry->spf)))
        why = "spf";
    else if (entry->arc && !moon_arc_sealed_by(&results->arc, entry->arc))
        why = "arc";
    if (!why && !networks_hold(entry, &input->msg->session.ip))
        why = "networks";
    if (!why && !recipients_hold(entry, input))
        why = "recipients";
    if (!why && entry->from.count && !has_domain(&entry->from, results->from.domain))
        why = "from";
    if (why_not_r)
        *why_not_r = why;
    return !why;
}

/* --- entries -----------------------------------------------------------------------------------
 */

#define AT(field) offsetof(struct moon_list_entry, field)

static void push_texts(lua_State *L, const struct moon_texts *texts)
{
    moon_sandbox_charge(L, texts->count + 1);
    lua_createtable(L, (int)texts->count, 0);
    for (size_t i = 0; i < texts->count; i++) {
        lua_pushstring(L, texts->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_networks(lua_State *L, const void *object)
{
    push_texts(L, &((const struct moon_list_entry *)object)->network_texts);
}

static void push_recipients(lua_State *L, const void *object)
{
    push_texts(L, &((const struct moon_list_entry *)object)->recipients);
}

static void push_from(lua_State *L, const void *object)
{
    push_texts(L, &((const struct moon_list_entry *)object)->from);
}

static const struct moon_fact entry_facts[] = {{"name", MOON_FACT_TEXT, AT(name), NULL},
                                               {"dkim", MOON_FACT_TEXT, AT(dkim), NULL},
                                               {"spf", MOON_FACT_TEXT, AT(spf), NULL},
                                               {"arc", MOON_FACT_TEXT, AT(arc), NULL},
                                               {"networks", MOON_FACT_PUSH, 0, push_networks},
                                               {"recipients", MOON_FACT_PUSH, 0, push_recipients},
                                               {"from", MOON_FACT_PUSH, 0, push_from},
                                               {"expires", MOON_FACT_TEXT, AT(expires), NULL},
                                               {"note", MOON_FACT_TEXT, AT(note), NULL},
                                               {NULL, MOON_FACT_TEXT, 0, NULL}};
static const struct moon_record entry_record = {"the list entry", NULL, entry_facts, NULL, NULL};

/* --- lists -------------------------------------------------------------------------------------
 */

static const struct moon_record list_record;

/* The work of asking whether an entry holds. May raise. */
static void charge_entry(lua_State *L, const struct moon_list_entry *entry)
{
    const struct moon_decide *decide = moon_sandbox_context(L);
    moon_sandbox_charge(L, 5 + entry->network_count + entry->from.count +
                               entry->recipients.count * decide->input->recipient_count);
}

/* list:match(m): the first entry of which every condition holds, or nil [-0, +1], may raise */
static int list_match(lua_State *L)
{
    const struct moon_list *list = moon_record_check(L, 1, &list_record);
    struct moon_decide *decide = moon_sandbox_context(L);
    if (!moon_record_test(L, 2, &moon_record_message))
        return moon_sandbox_raise(L, "list:match wants the message: list:match(m)");
    for (size_t i = 0; i < list->count; i++) {
        const struct moon_list_entry *entry = &list->entries[i];
        charge_entry(L, entry);
        if (moon_list_entry_holds(entry, decide->input, NULL)) {
            moon_facts_note(decide, "%s:match=%.80s", list->name, entry->name);
            moon_record_push(L, &entry_record, entry, 0);
            return 1;
        }
    }
    moon_facts_note(decide, "%s:match=none", list->name);
    lua_pushnil(L);
    return 1;
}

/* list:has(domain): is the domain one of the list's plain items, or the name of an entry? [-0, +1],
 * may raise */
static int list_has(lua_State *L)
{
    const struct moon_list *list = moon_record_check(L, 1, &list_record);
    struct moon_span word = {"", 0};
    bool found = false;
    if (!lua_isnoneornil(L, 2))
        word.p = luaL_checklstring(L, 2, &word.n);
    moon_sandbox_charge(L, list->count / 4 + 1);
    for (size_t i = 0; word.n && i < list->count && !found; i++)
        found = moon_span_is_nocase(word, list->entries[i].name);
    moon_facts_note(moon_sandbox_context(L), "%s:has(%.80s)=%s", list->name, word.p,
                    found ? "yes" : "no");
    lua_pushboolean(L, found);
    return 1;
}

static void push_match(lua_State *L, const void *object)
{
    (void)object; /* comes with the call */
    lua_pushcfunction(L, list_match);
}

static void push_has(lua_State *L, const void *object)
{
    (void)object; /* comes with the call */
    lua_pushcfunction(L, list_has);
}

static size_t list_count(const void *object)
{
    return ((const struct moon_list *)object)->count;
}

static void list_item(lua_State *L, const void *object, size_t i)
{
    const struct moon_list_entry *entry = &((const struct moon_list *)object)->entries[i - 1];
    if (entry->bare)
        lua_pushstring(L, entry->name);
    else
        moon_record_push(L, &entry_record, entry, 0);
}

static const struct moon_fact list_facts[] = {{"match", MOON_FACT_PUSH, 0, push_match},
                                              {"has", MOON_FACT_PUSH, 0, push_has},
                                              {NULL, MOON_FACT_TEXT, 0, NULL}};
static const struct moon_record list_record = {"the list", NULL, list_facts, list_count, list_item};

void moon_lists_push(lua_State *L, const struct moon_list *list)
{
    moon_record_push(L, &list_record, list, 0);
}

static bool entry_vouches(const struct moon_decide *decide, const struct moon_list_entry *entry,
                          const char *method)
{
    const struct moon_results *results = decide->input->results;
    return moon_arc_vouches(&results->arc, entry->arc, method, results->from.domain);
}

bool moon_lists_vouch(lua_State *L, int index, const char *method, bool *yes_r)
{
    const struct moon_decide *decide = moon_sandbox_context(L);
    const struct moon_list_entry *entry = moon_record_test(L, index, &entry_record);
    const struct moon_list *list = moon_record_test(L, index, &list_record);

    *yes_r = entry && entry_vouches(decide, entry, method);
    for (size_t i = 0; list && i < list->count && !*yes_r; i++) {
        entry = &list->entries[i];
        if (!entry->arc)
            continue;
        charge_entry(L, entry);
        *yes_r = entry_vouches(decide, entry, method) &&
                 moon_list_entry_holds(entry, decide->input, NULL);
    }
    return entry || list;
}
