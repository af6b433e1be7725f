/* SPDX-License-Identifier: MIT
 *
 * origin_facts: m.list and m.forwarding: the mailing list or forwarder that a message says it comes
 * from, and whether that is proved.
 */
#include <stddef.h>

#include "lua/facts.h"

#define LIST(field)    offsetof(struct moon_mailing_list, field)
#define FORWARD(field) offsetof(struct moon_forwarded, field)
#define END                                                                                        \
    {                                                                                              \
        NULL, MOON_FACT_TEXT, 0, NULL                                                              \
    }

static void push_unsubscribe(lua_State *L, const void *object)
{
    (void)object; /* the message is in the context */
    moon_facts_push_field(L, "List-Unsubscribe");
}

static void push_one_click(lua_State *L, const void *object)
{
    const struct moon_decide *decide = moon_sandbox_context(L);
    const struct moon_message *msg = decide->input->msg;
    const struct moon_field *where = moon_message_field(msg, "List-Unsubscribe", NULL, false);
    (void)object; /* the message is in the context */
    moon_sandbox_charge(L, 2 * msg->field_count + (where ? where->value.n / 4 : 0) + 1);
    lua_pushboolean(L, moon_facts_one_click(decide->input));
}

static const struct moon_fact list_facts[] = {
    {"id", MOON_FACT_TEXT, LIST(id.id), NULL},
    {"unsubscribe", MOON_FACT_PUSH, 0, push_unsubscribe},
    {"one_click", MOON_FACT_PUSH, 0, push_one_click},
    {"domain", MOON_FACT_TEXT, LIST(id.domain), NULL},
    {"verified", MOON_FACT_BOOL, LIST(verified), NULL},
    {"verified_by", MOON_FACT_TEXT, LIST(verified_by), NULL},
    {"verified_domain", MOON_FACT_TEXT, LIST(verified_domain), NULL},
    END};
const struct moon_record moon_record_list_fields = {"m.list", "list", list_facts, NULL, NULL};

static const struct moon_fact forwarding_facts[] = {
    {"pattern", MOON_FACT_TEXT, FORWARD(by.pattern), NULL},
    {"verified", MOON_FACT_BOOL, FORWARD(verified), NULL},
    {"forwarder", MOON_FACT_TEXT, FORWARD(by.forwarder), NULL},
    {"mailbox", MOON_FACT_TEXT, FORWARD(by.mailbox), NULL},
    {"original", MOON_FACT_TEXT, FORWARD(by.original), NULL},
    {"original_domain", MOON_FACT_TEXT, FORWARD(by.original_domain), NULL},
    {"destination", MOON_FACT_TEXT, FORWARD(by.destination), NULL},
    END};
const struct moon_record moon_record_forwarding = {"m.forwarding", "forwarding", forwarding_facts,
                                                   NULL, NULL};
