/* SPDX-License-Identifier: MIT
 *
 * question_dns: moon.dns, a question to DNS. Procedure: (1) the name, as it stands or made of an
 * address and a zone, (2) the question through engine/verdict/asks.h, (3) the answer as a record.
 * There is always a record: what cannot be asked has the result that says so.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/ip.h"
#include "engine/base/limits.h"
#include "lua/questions.h"

#define LIKE           "{ name = m.from.domain, type = \"MX\" }"
#define NAME_BYTES_MAX 1000u /* of an escaped name: no name that exists is longer */

/* The object of the record. */
struct reply {
    const char *result, *reason, *name, *type;
    const struct moon_dns_answer *answer; /* or NULL */
};

static const struct {
    const char *name;
    enum moon_dns_type type;
} types[] = {{"A", MOON_DNS_TYPE_A},
             {"AAAA", MOON_DNS_TYPE_AAAA},
             {"TXT", MOON_DNS_TYPE_TXT},
             {"MX", MOON_DNS_TYPE_MX},
             {"PTR", MOON_DNS_TYPE_PTR}};
#define TYPE_COUNT (sizeof types / sizeof types[0])

/* --- the record ---------------------------------------------------------------------------------
 */

/* MX: the most preferred first; those alike in the order they came in. */
static void push_hosts(lua_State *L, const struct moon_dns_answer *answer)
{
    bool taken[MOON_DNS_RECORDS_MAX] = {false};
    for (size_t i = 0; i < answer->count && i < MOON_DNS_RECORDS_MAX; i++) {
        size_t best = MOON_DNS_RECORDS_MAX;
        for (size_t k = 0; k < answer->count && k < MOON_DNS_RECORDS_MAX; k++)
            if (!taken[k] && (best == MOON_DNS_RECORDS_MAX ||
                              answer->records[k].preference < answer->records[best].preference))
                best = k;
        taken[best] = true;
        lua_pushstring(L, answer->records[best].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* A fresh array each time. */
static void push_items(lua_State *L, const void *object)
{
    const struct moon_dns_answer *answer = ((const struct reply *)object)->answer;
    size_t count = answer && answer->state == MOON_DNS_STATE_FOUND ? answer->count : 0;
    char ip[MOON_IP_TEXT_MAX];

    lua_createtable(L, (int)count, 0);
    if (count && answer->type == MOON_DNS_TYPE_MX) {
        moon_sandbox_charge(L, count * count);
        push_hosts(L, answer);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct moon_dns_record *record = &answer->records[i];
        moon_sandbox_charge(L, record->text.n / 16 + 1);
        if (answer->type == MOON_DNS_TYPE_TXT)
            lua_pushlstring(L, record->text.n ? record->text.p : "", record->text.n);
        else if (answer->type == MOON_DNS_TYPE_PTR)
            lua_pushstring(L, record->name);
        else
            lua_pushstring(L, moon_ip_format(&record->ip, ip));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

#define AT(field) offsetof(struct reply, field)

static const struct moon_fact dns_facts[] = {
    {"result", MOON_FACT_TEXT, AT(result), NULL}, {"items", MOON_FACT_PUSH, 0, push_items},
    {"reason", MOON_FACT_TEXT, AT(reason), NULL}, {"name", MOON_FACT_TEXT, AT(name), NULL},
    {"type", MOON_FACT_TEXT, AT(type), NULL},     {NULL, MOON_FACT_TEXT, 0, NULL}};
/* Not among the facts: it is recorded as a question. */
static const struct moon_record dns_record = {"the DNS answer", NULL, dns_facts, NULL, NULL};

/* --- the name -----------------------------------------------------------------------------------
 */

/* "7.2.0.192." or 32 nibbles and dots as in reverse DNS. */
static void add_reverse(luaL_Buffer *buffer, const struct moon_ip *ip)
{
    for (int i = (ip->family == 4 ? 4 : 16) - 1; i >= 0; i--) {
        char text[8];
        unsigned byte = ip->bytes[i];
        int n = ip->family == 4 ? snprintf(text, sizeof text, "%u.", byte)
                                : snprintf(text, sizeof text, "%x.%x.", byte & 15, byte >> 4);
        luaL_addlstring(buffer, text, (size_t)n);
    }
}

/* A text field of the table at index 1, left on the stack; NULL when it is nil. [-0, +1] */
static const char *text_field(lua_State *L, const char *field, size_t *length_r)
{
    int type = lua_getfield(L, 1, field);
    *length_r = 0;
    if (type == LUA_TNIL)
        return NULL;
    if (type != LUA_TSTRING)
        (void)moon_sandbox_raise(L, "moon.dns: %s must be a text, not a %s", field,
                                 lua_typename(L, type));
    return lua_tolstring(L, -1, length_r);
}

/* Step 1. Pushes the name; "" when there is none: *why_r says why. [-0, +1] */
static void push_name(lua_State *L, enum moon_dns_type type, const char **why_r)
{
    struct moon_span name, zone, address;
    struct moon_ip ip;
    luaL_Buffer buffer;

    lua_settop(L, 1);
    name.p = text_field(L, "name", &name.n);
    zone.p = text_field(L, "zone", &zone.n);
    address.p = text_field(L, "ip", &address.n);
    bool reverse = zone.p || address.p;
    if (name.p && reverse)
        (void)moon_sandbox_raise(L, "moon.dns: a name, or an ip and a zone, not both");
    if (reverse && !zone.p && type == MOON_DNS_TYPE_PTR) { /* reverse DNS itself */
        bool four = moon_ip_parse(address, &ip) && ip.family == 4;
        zone = four ? MOON_SPAN("in-addr.arpa") : MOON_SPAN("ip6.arpa");
    } else if (reverse && !zone.p) {
        (void)moon_sandbox_raise(L, "moon.dns: with ip, name the zone: zone = \"dnsbl.example\"");
    }
    if (reverse && !moon_ip_parse(address, &ip)) {
        *why_r = address.p ? "no address" : "the address is nil";
        lua_pushliteral(L, "");
    } else if (reverse) {
        luaL_buffinit(L, &buffer);
        add_reverse(&buffer, &ip);
        luaL_addlstring(&buffer, zone.p, zone.n);
        luaL_pushresult(&buffer);
    } else if (name.p) {
        lua_pushvalue(L, 2);
    } else {
        *why_r = "the name is nil";
        lua_pushliteral(L, "");
    }
}

/* --- the question ------------------------------------------------------------------------------
 */

static enum moon_dns_type type_field(lua_State *L)
{
    size_t n;
    const char *word = text_field(L, "type", &n);
    size_t i = 0;
    while (word && i < TYPE_COUNT && strcmp(types[i].name, word) != 0)
        i++;
    if (i == TYPE_COUNT)
        (void)moon_sandbox_raise(
            L, "moon.dns: type must be \"A\", \"AAAA\", \"TXT\", \"MX\" or \"PTR\", not '%.20s'",
            word);
    lua_settop(L, 1);
    return types[i].type;
}

static const char *result_of(const struct moon_dns_answer *answer)
{
    switch (answer->state) {
    case MOON_DNS_STATE_FOUND:
        return "answer";
    case MOON_DNS_STATE_NODATA:
        return "nodata";
    case MOON_DNS_STATE_NXDOMAIN:
        return "nxdomain";
    case MOON_DNS_STATE_TROUBLE:
    case MOON_DNS_STATE_PENDING:
        break;
    }
    return "temperror";
}

/* Step 2. The name is at the top. */
static void ask(lua_State *L, enum moon_dns_type type, const char *why, struct reply *reply)
{
    size_t n;
    const char *name = lua_tolstring(L, -1, &n);
    struct moon_asks *asks = moon_questions_asks(L, "moon.dns");

    if (!why && (n > NAME_BYTES_MAX || memchr(name, '\0', n)))
        why = "bad name";
    reply->answer = asks && !why ? moon_asks_dns(asks, name, type) : NULL;
    if (reply->answer) {
        reply->result = result_of(reply->answer);
        reply->reason = reply->answer->reason;
    } else {
        reply->result = why ? "nxdomain" : "temperror";
        reply->reason = why ? why : asks ? "question limit" : "nothing to ask here";
    }
}

/* moon.dns { name = text, type = "A" } or { ip = text, zone = text } -> the DNS answer
 * [-1, +1], may raise */
int moon_questions_dns(lua_State *L)
{
    static const char *const names[] = {"name", "type", "ip", "zone"};
    struct moon_decide *decide = moon_sandbox_context(L);
    int64_t started_ms = moon_clock_ms();
    const char *why = NULL;

    moon_questions_fields(L, "moon.dns", LIKE, names, sizeof names / sizeof names[0]);
    enum moon_dns_type type = type_field(L);
    push_name(L, type, &why);
    struct reply *reply = moon_arena_alloc(decide->arena, sizeof *reply);
    if (!reply) {
        decide->no_memory = true;
        return moon_sandbox_raise(L, "moon.dns: no memory");
    }
    reply->type = moon_dns_type_name(type);
    reply->name = moon_arena_cstr(decide->arena, lua_tostring(L, -1));
    if (!reply->name)
        decide->no_memory = true;
    ask(L, type, why, reply);
    moon_questions_credit(L, started_ms);
    moon_record_push(L, &dns_record, reply, 0);
    return 1;
}
