/* SPDX-License-Identifier: MIT
 *
 * arc_facts: what a chain says, as records of `m`, and the one question that a policy asks of it:
 * does somebody listed vouch for this message?
 */
#include <stddef.h>
#include <string.h>

#include "lua/facts.h"

#define AT(type, field) offsetof(struct type, field)
#define END                                                                                        \
    {                                                                                              \
        NULL, MOON_FACT_TEXT, 0, NULL                                                              \
    }

static struct moon_decide *decide_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

/* A domain that the policy wrote: lower case, without a final dot. */
static bool vouches_domain(lua_State *L, int index, const char *method)
{
    const struct moon_results *results = decide_of(L)->input->results;
    size_t n;
    const char *domain = lua_tolstring(L, index, &n);
    char lower[256];

    if (n && domain[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof lower)
        return false;
    for (size_t i = 0; i < n; i++)
        lower[i] = moon_lower(domain[i]);
    lower[n] = '\0';
    return moon_arc_vouches(&results->arc, lower, method, results->from.domain);
}

/* m.arc:vouches(list_or_entry, method): true when the chain passes, the entry's arc domain sealed
 * it, and what it wrote says that the method passed. Of a list, an entry counts whose conditions
 * all hold. A domain may stand for an entry. [-0, +1], may raise */
static int arc_vouches(lua_State *L)
{
    (void)moon_record_check(L, 1, &moon_record_arc);
    const char *method = luaL_checkstring(L, 3);
    bool yes = false;
    if (strcmp(method, "spf") && strcmp(method, "dkim") && strcmp(method, "dmarc"))
        return moon_sandbox_raise(L, "m.arc:vouches wants \"spf\", \"dkim\" or \"dmarc\"");
    if (lua_type(L, 2) == LUA_TSTRING)
        yes = vouches_domain(L, 2, method);
    else if (!moon_lists_vouch(L, 2, method, &yes))
        return moon_sandbox_raise(L, "m.arc:vouches wants a list, an entry of one, or a domain");
    moon_facts_note(decide_of(L), "arc:vouches(%s)=%s", method, yes ? "yes" : "no");
    lua_pushboolean(L, yes);
    return 1;
}

static void push_vouches(lua_State *L, const void *object)
{
    (void)object; /* comes with the call */
    lua_pushcfunction(L, arc_vouches);
}

static void push_known(lua_State *L, unsigned number)
{
    if (number)
        lua_pushinteger(L, number);
    else
        lua_pushnil(L);
}

/* 0: all signatures still verify. */
static void push_oldest_pass(lua_State *L, const void *object)
{
    const struct moon_arc *arc = object;
    if (arc->result == MOON_RESULT_PASS && arc->oldest_pass >= 0)
        lua_pushinteger(L, arc->oldest_pass);
    else
        lua_pushnil(L);
}

static void push_failed_instance(lua_State *L, const void *object)
{
    push_known(L, ((const struct moon_arc *)object)->failed_instance);
}

static void push_body_changed_after(lua_State *L, const void *object)
{
    push_known(L, ((const struct moon_arc *)object)->body_changed_after);
}

static void push_sets(lua_State *L, const void *object)
{
    moon_record_push(L, &moon_record_arc_sets, object, 0);
}

static const struct moon_fact arc_facts[] = {
    {"result", MOON_FACT_RESULT, AT(moon_arc, result), NULL},
    {"reason", MOON_FACT_TEXT, AT(moon_arc, reason), NULL},
    {"temperror", MOON_FACT_BOOL, AT(moon_arc, temperror), NULL},
    {"verified", MOON_FACT_BOOL, AT(moon_arc, verified), NULL},
    {"instances", MOON_FACT_UNSIGNED, AT(moon_arc, instances), NULL},
    {"oldest_pass", MOON_FACT_PUSH, 0, push_oldest_pass},
    {"failed_instance", MOON_FACT_PUSH, 0, push_failed_instance},
    {"failed_part", MOON_FACT_TEXT, AT(moon_arc, failed_part), NULL},
    {"body_changed_after", MOON_FACT_PUSH, 0, push_body_changed_after},
    {"sets", MOON_FACT_PUSH, 0, push_sets},
    {"vouches", MOON_FACT_PUSH, 0, push_vouches},
    END};
const struct moon_record moon_record_arc = {"m.arc", "arc", arc_facts, NULL, NULL};

/* --- sets ----------------------------------------------------------------------------------- */

static size_t arc_count(const void *object)
{
    return ((const struct moon_arc *)object)->set_count;
}

static void arc_item(lua_State *L, const void *object, size_t i)
{
    moon_record_push(L, &moon_record_arc_item, &((const struct moon_arc *)object)->sets[i - 1], i);
}

static const struct moon_fact no_facts[] = {END};
const struct moon_record moon_record_arc_sets = {"m.arc.sets", "arc.sets", no_facts, arc_count,
                                                 arc_item};

/* nil: not looked at, since the chain failed before. */
static void push_looked_at(lua_State *L, enum moon_result result)
{
    lua_pushstring(L, result == MOON_RESULT_NONE ? NULL : moon_result_name(result));
}

static void push_seal(lua_State *L, const void *object)
{
    push_looked_at(L, ((const struct moon_arc_set *)object)->seal_result);
}

static void push_signature(lua_State *L, const void *object)
{
    push_looked_at(L, ((const struct moon_arc_set *)object)->signature.result);
}

static void push_body(lua_State *L, const void *object)
{
    static const char *const words[] = {NULL, "intact", "changed"};
    lua_pushstring(L, words[((const struct moon_arc_set *)object)->signature.body]);
}

static void push_properties(lua_State *L, const struct moon_arc_result *result)
{
    lua_createtable(L, 0, (int)result->property_count);
    for (size_t i = 0; i < result->property_count; i++) {
        lua_pushstring(L, result->properties[i].value);
        lua_setfield(L, -2, result->properties[i].name);
    }
}

/* A list of {method, result, reason, properties}, made anew: a policy may do with it what it
 * likes. */
static void push_results(lua_State *L, const void *object)
{
    const struct moon_arc_set *set = object;
    lua_createtable(L, (int)set->result_count, 0);
    for (size_t i = 0; i < set->result_count; i++) {
        const struct moon_arc_result *result = &set->results[i];
        moon_sandbox_charge(L, 4 + result->property_count);
        lua_createtable(L, 0, 4);
        lua_pushstring(L, result->method);
        lua_setfield(L, -2, "method");
        lua_pushstring(L, result->result);
        lua_setfield(L, -2, "result");
        lua_pushstring(L, result->reason); /* NULL gives nil */
        lua_setfield(L, -2, "reason");
        push_properties(L, result);
        lua_setfield(L, -2, "properties");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static const struct moon_fact set_facts[] = {
    {"instance", MOON_FACT_UNSIGNED, AT(moon_arc_set, instance), NULL},
    {"domain", MOON_FACT_TEXT, AT(moon_arc_set, domain), NULL},
    {"selector", MOON_FACT_TEXT, AT(moon_arc_set, selector), NULL},
    {"cv", MOON_FACT_TEXT, AT(moon_arc_set, cv), NULL},
    {"authserv_id", MOON_FACT_TEXT, AT(moon_arc_set, authserv_id), NULL},
    {"seal", MOON_FACT_PUSH, 0, push_seal},
    {"seal_reason", MOON_FACT_TEXT, AT(moon_arc_set, seal_reason), NULL},
    {"signature", MOON_FACT_PUSH, 0, push_signature},
    {"signature_reason", MOON_FACT_TEXT, AT(moon_arc_set, signature.reason), NULL},
    {"signature_domain", MOON_FACT_TEXT, AT(moon_arc_set, signature.domain), NULL},
    {"body", MOON_FACT_PUSH, 0, push_body},
    {"body_length", MOON_FACT_INT64, AT(moon_arc_set, signature.body_length), NULL},
    {"algorithm", MOON_FACT_TEXT, AT(moon_arc_set, algorithm), NULL},
    {"bits", MOON_FACT_UNSIGNED, AT(moon_arc_set, bits), NULL},
    {"signed_at", MOON_FACT_INT64, AT(moon_arc_set, signed_at_s), NULL},
    {"results", MOON_FACT_PUSH, 0, push_results},
    END};
const struct moon_record moon_record_arc_item = {"m.arc.sets[i]", "arc.sets", set_facts, NULL,
                                                 NULL};
