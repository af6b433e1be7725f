/* SPDX-License-Identifier: MIT
 *
 * lists: data files beside a policy, read by moon.list. Parsed once per worker into C structures,
 * so that a long list costs a decision nothing. Internal to this room.
 *
 * A file returns an array. An item is a domain (then the condition is a passing DKIM signature of
 * it), or a table with a name and conditions, all of which must hold, until the end of the day
 * `expires`. A list is of one kind: its entries say how a forwarder or mailing list is known
 * (list:match), or what shall happen to mail of some authors (`verdict`; list:verdict).
 */
#ifndef MOON_LUA_LISTS_H
#define MOON_LUA_LISTS_H

#include "engine/verdict/policy.h"
#include "lua/sandbox.h"

/* A condition: any of its items will do; without items it holds. */
struct moon_texts {
    const char **items;
    size_t count;
    bool one; /* was written as a text, not as a list */
};

struct moon_list_entry {
    const struct moon_list *list;
    const char *name;
    int line;                         /* of the file; 0: not known */
    bool bare;                        /* was written as a domain alone */
    struct moon_texts dkim, spf, arc; /* normalized domains */
    struct moon_texts network_texts;  /* as written */
    struct moon_net *networks;        /* as many */
    struct moon_texts hosts;          /* verified host names; ".domain": all below it */
    struct moon_texts list_id;        /* ids of lists, or ".domain": all below it */
    struct moon_texts mail_from;      /* "user@domain", a domain, or ".domain"; lower case */
    struct moon_texts recipients;     /* likewise */
    struct moon_texts from;           /* domains, ".domain" */
    struct moon_texts dmarc;          /* result words; "any" */
    const char *expires;              /* as written, or NULL */
    int64_t expires_s;                /* end of that day in UTC */
    const char *note;
    enum moon_verdict_kind verdict; /* NONE: the list is for list:match */
    const char *override;           /* RFC 9990's word, with a verdict only; or NULL */
    const char *text;               /* for the client, with a verdict only; or NULL */
};

struct moon_list {
    const char *name; /* "forwarders" */
    const char *path; /* "tenants/lists/forwarders.lua" */
    struct moon_list_entry *entries;
    size_t count;
    bool verdicts; /* the entries say a verdict */
};

/* Everything is in the arena. MOON_ECONF with "file:line: what" for a list that is wrong. */
enum moon_status moon_list_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                 struct moon_span source, const char *name, const char *path,
                                 struct moon_list **list_r, struct moon_error *error);
/* Do all conditions of the entry hold? `why_not_r` (may be NULL) gets the first that does not;
 * "expired" when all others do. */
bool moon_list_entry_holds(const struct moon_list_entry *entry,
                           const struct moon_policy_input *input, const char **why_not_r);
/* By which items the conditions hold: "dkim=lists.example networks=192.0.2.0/24"; cut. */
void moon_list_entry_why(const struct moon_list_entry *entry, const struct moon_policy_input *input,
                         char *text_r, size_t size);

/* What moon_list_parse works on; for list_fields.c. */
struct moon_list_reading {
    struct moon_arena *arena;
    struct moon_span source;
    struct moon_list *list;
    int *lines; /* of the items */
    bool no_memory;
};
/* Raises "path:line: item 3: what"; `field` may be NULL. [never returns] */
int moon_list_wrong(lua_State *L, size_t item, const char *field, const char *what);
/* Reads the table at the top of the stack into the entry; raises. [-0, +0] */
void moon_list_fields(lua_State *L, size_t item, struct moon_list_entry *entry);
/* A domain at a stack index, normalized; raises. */
const char *moon_list_domain(lua_State *L, int index, size_t item, const char *field);

#endif
