/* SPDX-License-Identifier: MIT
 *
 * sender_facts: m.sender: who runs the host that sends, and whose mail it is. Nothing of it is
 * looked up before a policy asks.
 */
#include <stdio.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "lua/facts.h"
#include "lua/providers.h"

#define DAY_S 86400

static struct moon_decide *decide_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

/* False: nobody that is known. May raise. */
static bool find_provider(lua_State *L, struct moon_provider_found *found_r)
{
    struct moon_decide *decide = decide_of(L);
    struct moon_error error = {""};
    const struct moon_providers *providers = decide->providers(decide, &error);
    moon_sandbox_check_clock(L); /* what is read for the first time has limits of its own */
    moon_sandbox_charge(L, 200); /* some 100 networks are gone through */
    if (!providers)
        (void)moon_sandbox_raise(L, "m.sender: %s", error.text);
    bool known =
        moon_providers_find(providers, decide->input->msg, decide->input->results, found_r);
    if (known)
        moon_facts_note(decide, "sender: %s, %.100s", found_r->name, found_r->evidence);
    return known;
}

static void push_provider(lua_State *L, const void *object)
{
    struct moon_provider_found found;
    (void)object; /* the message is in the context */
    lua_pushstring(L, find_provider(L, &found) ? found.name : NULL); /* NULL gives nil */
}

static void push_evidence(lua_State *L, const void *object)
{
    struct moon_provider_found found;
    (void)object; /* the message is in the context */
    lua_pushstring(L, find_provider(L, &found) ? found.evidence : NULL);
}

static void push_evidence_kind(lua_State *L, const void *object)
{
    struct moon_provider_found found;
    (void)object; /* the message is in the context */
    lua_pushstring(L, find_provider(L, &found) ? moon_provider_kind_name(found.kind) : NULL);
}

/* Only what is proven: a policy may trust it. */
static void push_organizational_domain(lua_State *L, const void *object)
{
    const struct moon_results *results = decide_of(L)->input->results;
    (void)object; /* the message is in the context */
    moon_sandbox_charge(L, 20);
    lua_pushstring(
        L, moon_results_author_proven(results) ? moon_results_author_organization(results) : NULL);
}

/* --- volume --------------------------------------------------------------------------------------
 *
 * Mail is counted by the organization in From, all below one registration together. Only proven
 * mail: else a stranger could make a bulk sender of anybody. Nothing is counted before a policy
 * asks, and a message counts once, however many tenants ask.
 */

static struct moon_span counted(const struct moon_decide *decide)
{
    return moon_span_of(moon_results_author_organization(decide->input->results));
}

static bool is_proven(const struct moon_decide *decide)
{
    return moon_results_author_proven(decide->input->results);
}

/* False: nobody can tell. May raise. */
static bool volume(lua_State *L, int64_t *count_r)
{
    struct moon_decide *decide = decide_of(L);
    struct moon_span key = counted(decide);
    int64_t started_ms = moon_clock_ms();
    moon_sandbox_charge(L, 100);
    if (decide->volume.asked || !key.n) {
        *count_r = decide->volume.count;
        return decide->volume.known;
    }
    decide->volume.asked = true;
    decide->volume.known = moon_asks_engine_count(decide->input->asks, "volume", key, DAY_S,
                                                  is_proven(decide), &decide->volume.count);
    moon_sandbox_credit(L, moon_clock_ms() - started_ms); /* waiting has bounds of its own */
    *count_r = decide->volume.count;
    return decide->volume.known;
}

bool moon_sender_bulk(lua_State *L, int64_t messages, bool sticky, bool *bulk_r)
{
    struct moon_decide *decide = decide_of(L);
    char key[MOON_DOMAIN_MAX + 32];
    int64_t count, first_s, started_ms;
    if (!volume(L, &count))
        return false;
    *bulk_r = count >= messages;
    if (!sticky)
        return true;
    started_ms = moon_clock_ms();
    (void)snprintf(key, sizeof key, "%lld %s", (long long)messages, counted(decide).p);
    if (moon_asks_engine_first_seen(decide->input->asks, "bulk", moon_span_of(key),
                                    MOON_STORE_KEEP_MAX_S, !*bulk_r, &first_s))
        *bulk_r = *bulk_r || first_s >= 0;
    moon_sandbox_credit(L, moon_clock_ms() - started_ms);
    return true;
}

static void push_volume(lua_State *L, const void *object)
{
    int64_t count;
    (void)object; /* the message is in the context */
    if (volume(L, &count))
        lua_pushinteger(L, count);
    else
        lua_pushnil(L);
}

static void push_first_seen_days(lua_State *L, const void *object)
{
    struct moon_decide *decide = decide_of(L);
    struct moon_span key = counted(decide);
    int64_t first_s = -1, started_ms = moon_clock_ms();
    (void)object; /* the message is in the context */
    moon_sandbox_charge(L, 100);
    bool known =
        key.n && moon_asks_engine_first_seen(decide->input->asks, "sender", key,
                                             MOON_STORE_KEEP_MAX_S, !is_proven(decide), &first_s);
    moon_sandbox_credit(L, moon_clock_ms() - started_ms);
    if (known && first_s >= 0)
        lua_pushinteger(L, (decide->input->msg->received_s - first_s) / DAY_S);
    else
        lua_pushnil(L);
}

static const struct moon_fact sender_facts[] = {
    {"provider", MOON_FACT_PUSH, 0, push_provider},
    {"evidence", MOON_FACT_PUSH, 0, push_evidence},
    {"evidence_kind", MOON_FACT_PUSH, 0, push_evidence_kind},
    {"organizational_domain", MOON_FACT_PUSH, 0, push_organizational_domain},
    {"volume_24h", MOON_FACT_PUSH, 0, push_volume},
    {"first_seen_days", MOON_FACT_PUSH, 0, push_first_seen_days},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_sender = {"m.sender", "sender", sender_facts, NULL, NULL};
