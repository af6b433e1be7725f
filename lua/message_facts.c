/* SPDX-License-Identifier: MIT
 *
 * message_facts: `m` itself: session, envelope, author, header fields, tenant. What the methods
 * found out is in records.c, where the message says it comes from in origin_facts.c.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/message/domain.h"
#include "lua/facts.h"

#define AT(type, field) offsetof(struct type, field)

static struct moon_decide *decide_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

static const struct moon_message *message_of(lua_State *L)
{
    return decide_of(L)->input->msg;
}

/* --- session -------------------------------------------------------------------------------- */

static void push_address_of(lua_State *L, const struct moon_ip *ip)
{
    char text[MOON_IP_TEXT_MAX];
    lua_pushstring(L, moon_ip_format(ip, text));
    if (!*text)
        lua_pushnil(L);
}

static void push_ip(lua_State *L, const void *object)
{
    push_address_of(L, &((const struct moon_session *)object)->ip);
}

static void push_hop(lua_State *L, const void *object)
{
    push_address_of(L, &((const struct moon_session *)object)->hop);
}

static void push_iprev(lua_State *L, const void *object)
{
    (void)object; /* a result, not of the session */
    lua_pushstring(L, moon_result_name(decide_of(L)->input->results->iprev));
}

static const struct moon_fact session_facts[] = {
    {"ip", MOON_FACT_PUSH, 0, push_ip},
    {"hop", MOON_FACT_PUSH, 0, push_hop},
    {"port", MOON_FACT_PORT, AT(moon_session, port), NULL},
    {"helo", MOON_FACT_TEXT, AT(moon_session, helo), NULL},
    {"hostname", MOON_FACT_TEXT, AT(moon_session, host_name), NULL},
    {"iprev", MOON_FACT_PUSH, 0, push_iprev},
    {"protocol", MOON_FACT_TEXT, AT(moon_session, protocol), NULL},
    {"tls", MOON_FACT_TEXT, AT(moon_session, tls), NULL},
    {"tls_version", MOON_FACT_TEXT, AT(moon_session, tls_version), NULL},
    {"authenticated", MOON_FACT_TEXT, AT(moon_session, authenticated), NULL},
    {"authenticated_id", MOON_FACT_TEXT, AT(moon_session, authenticated_id), NULL},
    {"interface", MOON_FACT_TEXT, AT(moon_session, interface_ip), NULL},
    {"interface_port", MOON_FACT_PORT, AT(moon_session, interface_port), NULL},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_session = {"m.session", "session", session_facts, NULL, NULL};

/* --- envelope ------------------------------------------------------------------------------- */

static void push_null_sender(lua_State *L, const void *object)
{
    const struct moon_message *msg = object;
    lua_pushboolean(L, !msg->mail_from || !*msg->mail_from);
}

static const struct moon_fact envelope_facts[] = {
    {"mail_from", MOON_FACT_TEXT, AT(moon_message, mail_from), NULL},
    {"mail_from_domain", MOON_FACT_TEXT, AT(moon_message, mail_from_domain), NULL},
    {"null_sender", MOON_FACT_PUSH, 0, push_null_sender},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_envelope = {"m.envelope", "envelope", envelope_facts, NULL,
                                                 NULL};

/* --- From ----------------------------------------------------------------------------------- */

static void push_author(lua_State *L, const struct moon_from *from, size_t offset)
{
    const char *text =
        from->kept ? *(const char *const *)(const void *)((const char *)from->authors + offset)
                   : NULL;
    lua_pushstring(L, text); /* NULL gives nil */
}

static void push_address(lua_State *L, const void *object)
{
    push_author(L, object, AT(moon_author, address));
}

static void push_display_name(lua_State *L, const void *object)
{
    push_author(L, object, AT(moon_author, display_name));
}

/* Does the Author Domain belong to this tenant? */
static void push_ours(lua_State *L, const void *object)
{
    const struct moon_from *from = object;
    const struct moon_decide *decide = decide_of(L);
    struct moon_span tenant;
    char key[300];
    bool ours = false;
    if (from->domain && decide->snapshot && *decide->input->tenant) {
        int n = snprintf(key, sizeof key, "domain/%s", from->domain);
        ours = n > 0 && (size_t)n < sizeof key &&
               moon_snapshot_get(decide->snapshot, (struct moon_span){key, (size_t)n}, &tenant) &&
               moon_span_is(tenant, decide->input->tenant);
    }
    lua_pushboolean(L, ours);
}

static const struct moon_fact from_facts[] = {
    {"address", MOON_FACT_PUSH, 0, push_address},
    {"domain", MOON_FACT_TEXT, AT(moon_from, domain), NULL},
    {"display_name", MOON_FACT_PUSH, 0, push_display_name},
    {"count", MOON_FACT_SIZE, AT(moon_from, count), NULL},
    {"ambiguous", MOON_FACT_BOOL, AT(moon_from, ambiguous), NULL},
    {"reason", MOON_FACT_TEXT, AT(moon_from, reason), NULL},
    {"ours", MOON_FACT_PUSH, 0, push_ours},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_from = {"m.from", "from", from_facts, NULL, NULL};

/* --- header fields -------------------------------------------------------------------------- */

/* Value of a field, unfolded into one line. The copy is Lua's: no arena memory is spent. [-0, +1]
 */
static void push_field_text(lua_State *L, const struct moon_field *field)
{
    struct moon_buf value = moon_buf_of(moon_span_trim(field->value));
    luaL_Buffer buffer;
    moon_sandbox_charge(L, value.left / 8 + 1);
    luaL_buffinit(L, &buffer);
    while (!moon_buf_at_end(&value)) {
        char c = (char)moon_buf_byte(&value);
        if (c == '\r' || c == '\n') {
            while (moon_buf_peek(&value) == ' ' || moon_buf_peek(&value) == '\t' ||
                   moon_buf_peek(&value) == '\r' || moon_buf_peek(&value) == '\n')
                (void)moon_buf_byte(&value); /* was looked at */
            c = ' ';
        }
        luaL_addchar(&buffer, c);
    }
    luaL_pushresult(&buffer);
}

/* The work of going through all fields. May raise. */
static void charge_fields(lua_State *L)
{
    moon_sandbox_charge(L, message_of(L)->field_count / 2 + 1);
}

static const char *name_argument(lua_State *L)
{
    int at = moon_record_test(L, 1, &moon_record_message) ? 2 : 1; /* m:header is fine too */
    const char *name = luaL_checkstring(L, at);
    charge_fields(L);
    moon_facts_note(decide_of(L), "header(%.100s)", name);
    return name;
}

/* m.header(name): the first field of that name, unfolded, or nil [-0, +1], may raise */
static int message_header(lua_State *L)
{
    const char *name = name_argument(L);
    const struct moon_field *field = moon_message_field(message_of(L), name, NULL, false);
    if (field)
        push_field_text(L, field);
    else
        lua_pushnil(L);
    return 1;
}

/* m.headers(name): all fields of that name, an array of texts [-0, +1], may raise */
static int message_headers(lua_State *L)
{
    const char *name = name_argument(L);
    const struct moon_field *field = NULL;
    lua_Integer count = 0;
    lua_newtable(L);
    while ((field = moon_message_field(message_of(L), name, field, false))) {
        push_field_text(L, field);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

static void push_header(lua_State *L, const void *object)
{
    (void)object; /* the message is in the context */
    lua_pushcfunction(L, message_header);
}

static void push_headers(lua_State *L, const void *object)
{
    (void)object; /* the message is in the context */
    lua_pushcfunction(L, message_headers);
}

void moon_facts_push_field(lua_State *L, const char *name)
{
    charge_fields(L);
    const struct moon_field *field = moon_message_field(message_of(L), name, NULL, false);
    if (field)
        push_field_text(L, field);
    else
        lua_pushnil(L);
}

static void push_message_id(lua_State *L, const void *object)
{
    (void)object; /* the message is in the context */
    moon_facts_push_field(L, "Message-ID");
}

/* Bytes of the message as it would travel, as near as the spool tells. */
static void push_size(lua_State *L, const void *object)
{
    const struct moon_message *msg = object;
    lua_Integer size = msg->body.fd < 0 ? (lua_Integer)msg->body.memory.n : msg->body.size_bytes;
    charge_fields(L);
    for (size_t i = 0; i < msg->field_count; i++)
        if (!msg->fields[i].removed)
            size += (lua_Integer)msg->fields[i].raw.n + 2;
    lua_pushinteger(L, size + 2);
}

/* --- tenant --------------------------------------------------------------------------------- */

static const struct moon_fact tenant_facts[] = {
    {"name", MOON_FACT_TEXT, AT(moon_policy_input, tenant), NULL},
    {"settings", MOON_FACT_PUSH, 0, moon_settings_push},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_tenant = {"m.tenant", "tenant", tenant_facts, NULL, NULL};

/* --- the message ---------------------------------------------------------------------------- */

/* A fresh array each time: writing into it changes nothing for anybody else. */
static void push_recipients(lua_State *L, const void *object)
{
    const struct moon_policy_input *input = decide_of(L)->input;
    const struct moon_message *msg = object;
    moon_sandbox_charge(L, input->recipient_count + 1);
    lua_createtable(L, (int)input->recipient_count, 0);
    for (size_t i = 0; i < input->recipient_count; i++) {
        lua_pushstring(L, msg->recipients[input->recipients[i]].address);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The records of m that are parts of other structures. */
#define PART(name, record, object)                                                                 \
    static void push_##name(lua_State *L, const void *msg)                                         \
    {                                                                                              \
        const struct moon_policy_input *input = decide_of(L)->input;                               \
        (void)msg;                                                                                 \
        (void)input; /* one of the two is used */                                                  \
        moon_record_push(L, &record, object, 0);                                                   \
    }
PART(session, moon_record_session, &input->msg->session)
PART(envelope, moon_record_envelope, msg)
PART(from, moon_record_from, &input->results->from)
PART(list, moon_record_list_fields, &input->results->list)
PART(forwarding, moon_record_forwarding, &input->results->forwarding)
PART(spf, moon_record_spf, &input->results->spf)
PART(spf_helo, moon_record_spf_helo, &input->results->spf_helo)
PART(dkim, moon_record_dkim, &input->results->dkim)
PART(arc, moon_record_arc, &input->results->arc)
PART(dmarc, moon_record_dmarc, &input->results->dmarc)
PART(sender, moon_record_sender, input)
PART(tenant, moon_record_tenant, input)

static const struct moon_fact message_facts[] = {
    {"session", MOON_FACT_PUSH, 0, push_session},
    {"envelope", MOON_FACT_PUSH, 0, push_envelope},
    {"recipients", MOON_FACT_PUSH, 0, push_recipients},
    {"recipient_count", MOON_FACT_SIZE, AT(moon_message, recipient_count), NULL},
    {"from", MOON_FACT_PUSH, 0, push_from},
    {"header", MOON_FACT_PUSH, 0, push_header},
    {"headers", MOON_FACT_PUSH, 0, push_headers},
    {"size", MOON_FACT_PUSH, 0, push_size},
    {"message_id", MOON_FACT_PUSH, 0, push_message_id},
    {"list", MOON_FACT_PUSH, 0, push_list},
    {"forwarding", MOON_FACT_PUSH, 0, push_forwarding},
    {"spf", MOON_FACT_PUSH, 0, push_spf},
    {"spf_helo", MOON_FACT_PUSH, 0, push_spf_helo},
    {"dkim", MOON_FACT_PUSH, 0, push_dkim},
    {"arc", MOON_FACT_PUSH, 0, push_arc},
    {"dmarc", MOON_FACT_PUSH, 0, push_dmarc},
    {"sender", MOON_FACT_PUSH, 0, push_sender},
    {"tenant", MOON_FACT_PUSH, 0, push_tenant},
    {NULL, MOON_FACT_TEXT, 0, NULL}};
const struct moon_record moon_record_message = {"m", "", message_facts, NULL, NULL};

void moon_facts_push(lua_State *L)
{
    moon_record_push(L, &moon_record_message, message_of(L), 0);
}
