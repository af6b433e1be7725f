/* SPDX-License-Identifier: MIT
 *
 * facts: the message as a policy sees it (`m`), verdicts and lists as Lua values. Internal to this
 * room. What a policy reads is noted, in order, in the arena of the decision.
 */
#ifndef MOON_LUA_FACTS_H
#define MOON_LUA_FACTS_H

#include "engine/verdict/asks.h"
#include "engine/verdict/policy.h"
#include "lua/lists.h"
#include "lua/providers.h"
#include "lua/sandbox.h"
#include "lua/tests.h"

/* What a run of a policy works on; moon_sandbox_context gives it. */
struct moon_decide {
    struct moon_arena *arena;
    const struct moon_policy_input *input;
    const struct moon_snapshot *snapshot; /* or NULL */
    /* Finds a list by name beside the policy that runs; NULL with a reason. */
    const struct moon_list *(*list)(struct moon_decide *decide, const char *name,
                                    struct moon_error *error);
    /* The table of providers; NULL with a reason. */
    const struct moon_providers *(*providers)(struct moon_decide *decide, struct moon_error *error);
    /* Bytecode of a profile, with name NULL of the rules of them all, and what messages call it;
     * false with a reason. */
    bool (*profile)(struct moon_decide *decide, const char *name, struct moon_span *code_r,
                    const char **path_r, struct moon_error *error);
    /* Of the policy that runs: where its source writes that group; 1 when it does not. */
    int (*group_line)(const struct moon_decide *decide, struct moon_span key);
    void *list_context;
    const char **facts;
    size_t fact_count;
    bool no_memory;                        /* the arena ran out: the caller answers MOON_ENOMEM */
    const struct moon_list_entry *matched; /* by the last list:match that found one, or NULL */
    const char *matched_in;                /* the `name` of the policy that asked */
    int64_t peak_bytes; /* of the layers that have run: the most that one of them used */
    /* Of the layer that runs. */
    struct moon_span code; /* compiled */
    const char *name;      /* shown in messages: "tenants/acme.lua" */
    int line;              /* where the function that runs starts */
    const char *layer;     /* one of layer.h; becomes "recipient" for a group */
    bool publishing;       /* whoever wrote it is there to hear of more than errors */
    bool no_lock;          /* the layer "locked" found no function of that name */
    struct moon_verdict *verdict;
    struct moon_tests *tests; /* while they are read (tests.c); else NULL */
    struct {                  /* how much the author's organization sends, once it was asked */
        bool asked, known;
        int64_t count;
    } volume;
};

/* The globals of the run, in the registry: for chunks that a policy brings in (profiles.c). */
#define MOON_GLOBALS "moonscan.globals"

/* How a field of a record is read out of the C structure. */
enum moon_fact_kind {
    MOON_FACT_TEXT,   /* const char *; NULL is nil */
    MOON_FACT_RESULT, /* enum moon_result */
    MOON_FACT_BOOL,
    MOON_FACT_UNSIGNED,
    MOON_FACT_SIZE,
    MOON_FACT_INT64, /* negative is nil */
    MOON_FACT_PORT,  /* uint16_t; 0 is nil */
    MOON_FACT_PUSH,  /* by `push` */
};
struct moon_fact {
    const char *name;
    enum moon_fact_kind kind;
    size_t offset;
    void (*push)(lua_State *L, const void *object); /* [-0, +1], may raise */
};
/* A kind of record: read-only, its fields by name, perhaps items by number. */
struct moon_record {
    const char *name;              /* for messages: "m.dmarc", "m.dkim[i]" */
    const char *path;              /* for the facts: "dmarc"; NULL: not noted */
    const struct moon_fact *facts; /* ended by a NULL name */
    size_t (*count)(const void *object);
    void (*item)(lua_State *L, const void *object, size_t i);
};

/* The tables that facts.c and records.c share. */
extern const struct moon_record moon_record_message;
extern const struct moon_record moon_record_session, moon_record_envelope, moon_record_from,
    moon_record_spf, moon_record_spf_helo, moon_record_dkim, moon_record_dkim_item, moon_record_arc,
    moon_record_arc_sets, moon_record_arc_item, moon_record_dmarc, moon_record_alignment,
    moon_record_tenant, moon_record_list_fields, moon_record_forwarding, moon_record_sender;

/* Pushes a record; `index` (from 1) belongs into the path of an item, 0 otherwise. [-0, +1] */
void moon_record_push(lua_State *L, const struct moon_record *record, const void *object,
                      size_t index);
/* The object of the record at `index`, or raises. */
const void *moon_record_check(lua_State *L, int index, const struct moon_record *record);
/* Is the value at `index` such a record? */
const void *moon_record_test(lua_State *L, int index, const struct moon_record *record);

/* Notes a fact, once. Never raises. */
void moon_facts_note(struct moon_decide *decide, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Raises "what has no field 'x'; did you mean 'y'?". */
int moon_facts_unknown(lua_State *L, const char *what, const char *field, const char *const *names,
                       size_t count);

/* Can the recipient unsubscribe with one click, under a signature (one_click.c)? */
bool moon_facts_one_click(const struct moon_policy_input *input);
/* Pushes m.tenant.settings; `object` is not used. [-0, +1] */
void moon_settings_push(lua_State *L, const void *object);
/* *bulk_r: has the author's organization sent so many messages in 24 hours (sticky: ever)? False:
 * nobody can tell. May raise. */
bool moon_sender_bulk(lua_State *L, int64_t messages, bool sticky, bool *bulk_r);
/* Pushes `m`. [-0, +1] */
void moon_facts_push(lua_State *L);
/* Pushes the first field of that name as one line, or nil. [-0, +1] */
void moon_facts_push_field(lua_State *L, const char *name);
/* Pushes what require "moonscan" gives. [-0, +1] */
void moon_module_push(lua_State *L);
/* moon.count, moon.dns, moon.first_seen, moon.retry_within. [-n, +1], may raise */
int moon_questions_count(lua_State *L);
int moon_questions_dns(lua_State *L);
int moon_questions_first_seen(lua_State *L);
int moon_questions_retry_within(lua_State *L);
/* The metatable of verdicts, in the registry. */
#define MOON_VERDICT_METATABLE "moonscan.verdict"
/* Adds moon.accept and the other four to the table at the top. [-0, +0] */
void moon_verdicts_push_constructors(lua_State *L);
/* Turns the table of fields at the top into a verdict of that kind; may raise. [-1, +1] */
void moon_verdicts_construct(lua_State *L, enum moon_verdict_kind kind);
/* The constant of a policy override type of RFC 9990, or NULL. */
const char *moon_verdicts_override(struct moon_span word);
/* Turns the value at `index`, which a policy returned, into decide->verdict; raises when it is no
 * verdict and not nil. [-0, +0] */
void moon_verdicts_take(lua_State *L, int index);
/* The tests of the policy table at index 1 into *tests; raises for mistakes of the whole table.
 * [-0, +0] but for what lua_settop clears */
void moon_tests_take(lua_State *L, struct moon_tests *tests);
/* Pushes moon.list's value. [-0, +1] */
void moon_lists_push(lua_State *L, const struct moon_list *list);
/* Does the list or list entry at `index` name a sealer that vouches for the method? False when the
 * value is neither. [-0, +0] */
bool moon_lists_vouch(lua_State *L, int index, const char *method, bool *yes_r);
/* The list entry at `index`, or NULL. [-0, +0] */
const struct moon_list_entry *moon_lists_entry(lua_State *L, int index);
/* The first entry that holds, or NULL; noted as LIST:ASKED=NAME, and kept in decide->matched. May
 * raise. [-0, +0] */
const struct moon_list_entry *moon_list_first(lua_State *L, const struct moon_list *list,
                                              const char *asked);
/* Does a sealer of the entry vouch for the method, and (`must_hold`) do its conditions hold? May
 * raise. [-0, +0] */
bool moon_list_vouches(lua_State *L, const struct moon_list_entry *entry, bool must_hold,
                       const char *method);
/* For the verdict and its record, in the arena; NULL without memory (noted). Never raises. */
const struct moon_entry_ref *moon_list_entry_ref(struct moon_decide *decide,
                                                 const struct moon_list_entry *entry);

/* Functions of dkim records (records.c), also used by lists: the first passing signature of exactly
 * this domain, or NULL. */
const struct moon_dkim_sig *moon_records_dkim_passed(const struct moon_dkim *dkim,
                                                     const char *domain);

#endif
