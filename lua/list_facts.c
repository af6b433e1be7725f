/* SPDX-License-Identifier: MIT
 *
 * list_facts: lists and their entries as Lua values: #list, list[i], list:match(m),
 * list:verdict(m), list:has(domain).
 */
#include <stdio.h>
#include <string.h>

#include "lua/facts.h"

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

/* As it was written: a text, a list, or nothing. */
static void push_written(lua_State *L, const struct moon_texts *texts)
{
    if (texts->one)
        lua_pushstring(L, texts->items[0]);
    else if (texts->count)
        push_texts(L, texts);
    else
        lua_pushnil(L);
}

/* The pushing function of one condition. */
#define CONDITION(name, field, push)                                                               \
    static void push_##name(lua_State *L, const void *object)                                      \
    {                                                                                              \
        push(L, &((const struct moon_list_entry *)object)->field);                                 \
    }
CONDITION(dkim, dkim, push_written)
CONDITION(spf, spf, push_written)
CONDITION(arc, arc, push_written)
CONDITION(networks, network_texts, push_texts)
CONDITION(hosts, hosts, push_texts)
CONDITION(list_id, list_id, push_texts)
CONDITION(mail_from, mail_from, push_texts)
CONDITION(recipients, recipients, push_texts)
CONDITION(from, from, push_texts)
CONDITION(dmarc, dmarc, push_texts)

static void push_verdict_word(lua_State *L, const void *object)
{
    const struct moon_list_entry *entry = object;
    lua_pushstring(L, entry->verdict ? moon_verdict_name(entry->verdict) : NULL);
}

static const struct moon_fact entry_facts[] = {{"name", MOON_FACT_TEXT, AT(name), NULL},
                                               {"dkim", MOON_FACT_PUSH, 0, push_dkim},
                                               {"spf", MOON_FACT_PUSH, 0, push_spf},
                                               {"arc", MOON_FACT_PUSH, 0, push_arc},
                                               {"networks", MOON_FACT_PUSH, 0, push_networks},
                                               {"hosts", MOON_FACT_PUSH, 0, push_hosts},
                                               {"list_id", MOON_FACT_PUSH, 0, push_list_id},
                                               {"mail_from", MOON_FACT_PUSH, 0, push_mail_from},
                                               {"recipients", MOON_FACT_PUSH, 0, push_recipients},
                                               {"from", MOON_FACT_PUSH, 0, push_from},
                                               {"dmarc", MOON_FACT_PUSH, 0, push_dmarc},
                                               {"expires", MOON_FACT_TEXT, AT(expires), NULL},
                                               {"note", MOON_FACT_TEXT, AT(note), NULL},
                                               {"verdict", MOON_FACT_PUSH, 0, push_verdict_word},
                                               {"override", MOON_FACT_TEXT, AT(override), NULL},
                                               {"text", MOON_FACT_TEXT, AT(text), NULL},
                                               {NULL, MOON_FACT_TEXT, 0, NULL}};
static const struct moon_record entry_record = {"the list entry", NULL, entry_facts, NULL, NULL};

const struct moon_list_entry *moon_lists_entry(lua_State *L, int index)
{
    return moon_record_test(L, index, &entry_record);
}

/* --- lists -------------------------------------------------------------------------------------
 */

static const struct moon_record list_record;

/* The list of a call list:NAME(m); raises when it is of the other kind. */
static const struct moon_list *asked(lua_State *L, const char *name, bool verdicts)
{
    const struct moon_list *list = moon_record_check(L, 1, &list_record);
    if (!moon_record_test(L, 2, &moon_record_message))
        (void)moon_sandbox_raise(L, "list:%s wants the message: list:%s(m)", name, name);
    if (list->count && list->verdicts != verdicts)
        (void)moon_sandbox_raise(L,
                                 verdicts ? "the entries of %s say no verdict; ask list:match(m)"
                                          : "the entries of %s say a verdict; ask list:verdict(m)",
                                 list->path);
    return list;
}

/* list:match(m): the first entry of which every condition holds, or nil [-0, +1], may raise */
static int list_match(lua_State *L)
{
    const struct moon_list_entry *entry = moon_list_first(L, asked(L, "match", false), "match");
    if (entry)
        moon_record_push(L, &entry_record, entry, 0);
    else
        lua_pushnil(L);
    return 1;
}

/* What the client is told, when the entry does not say. */
static void push_reply(lua_State *L, const struct moon_list_entry *entry)
{
    const struct moon_decide *decide = moon_sandbox_context(L);
    const struct moon_results *results = decide->input->results;
    bool failed = results->dmarc.result == MOON_RESULT_FAIL;
    if (entry->text)
        lua_pushstring(L, entry->text);
    else
        (void)lua_pushfstring(L, "mail from %s %s %s by local policy",
                              results->from.domain ? results->from.domain : "this author",
                              failed ? "that fails DMARC is" : "is",
                              entry->verdict == MOON_VERDICT_DEFER ? "deferred" : "refused");
}

/* list:verdict(m): the verdict of the first entry of which every condition holds, or nil [-0, +1],
 * may raise */
static int list_verdict(lua_State *L)
{
    const struct moon_list_entry *entry = moon_list_first(L, asked(L, "verdict", true), "verdict");
    if (!entry) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 3);
    lua_pushstring(L, entry->override ? entry->override : "local_policy");
    lua_setfield(L, -2, "override");
    moon_record_push(L, &entry_record, entry, 0);
    lua_setfield(L, -2, "via");
    if (entry->verdict == MOON_VERDICT_REJECT || entry->verdict == MOON_VERDICT_DEFER) {
        push_reply(L, entry);
        lua_setfield(L, -2, "text");
    }
    moon_verdicts_construct(L, entry->verdict);
    return 1;
}

/* list:has(domain): is the domain one of the list's plain items? [-0, +1], may raise */
static int list_has(lua_State *L)
{
    const struct moon_list *list = moon_record_check(L, 1, &list_record);
    struct moon_span word = {"", 0};
    bool found = false;
    if (!lua_isnoneornil(L, 2))
        word.p = luaL_checklstring(L, 2, &word.n);
    moon_sandbox_charge(L, list->count / 4 + 1);
    for (size_t i = 0; word.n && i < list->count && !found; i++)
        found = list->entries[i].bare && moon_span_is_nocase(word, list->entries[i].name);
    moon_facts_note(moon_sandbox_context(L), "%s:has(%.80s)=%s", list->name, word.p,
                    found ? "yes" : "no");
    lua_pushboolean(L, found);
    return 1;
}

/* The pushing function of one function of lists, which come with the call. */
#define FUNCTION(name)                                                                             \
    static void push_##name(lua_State *L, const void *object)                                      \
    {                                                                                              \
        (void)object;                                                                              \
        lua_pushcfunction(L, list_##name);                                                         \
    }
FUNCTION(match)
FUNCTION(verdict)
FUNCTION(has)

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
                                              {"verdict", MOON_FACT_PUSH, 0, push_verdict},
                                              {"has", MOON_FACT_PUSH, 0, push_has},
                                              {NULL, MOON_FACT_TEXT, 0, NULL}};
static const struct moon_record list_record = {"the list", NULL, list_facts, list_count, list_item};

void moon_lists_push(lua_State *L, const struct moon_list *list)
{
    moon_record_push(L, &list_record, list, 0);
}

bool moon_lists_vouch(lua_State *L, int index, const char *method, bool *yes_r)
{
    const struct moon_list_entry *entry = moon_lists_entry(L, index);
    const struct moon_list *list = moon_record_test(L, index, &list_record);

    *yes_r = entry && moon_list_vouches(L, entry, false, method);
    for (size_t i = 0; list && i < list->count && !*yes_r; i++)
        *yes_r =
            list->entries[i].arc.count && moon_list_vouches(L, &list->entries[i], true, method);
    return entry || list;
}
