/* SPDX-License-Identifier: MIT
 *
 * lists: data files beside a policy, read by moon.list. Parsed once per worker into C structures,
 * so that a long list costs a decision nothing. Internal to this room.
 *
 * A file returns an array. An item is a domain (then the condition is a passing DKIM signature of
 * it), or a table with a name and conditions, all of which must hold: dkim, spf, arc (domains),
 * networks, recipients, from (lists), until the end of the day `expires`.
 */
#ifndef MOON_LUA_LISTS_H
#define MOON_LUA_LISTS_H

#include "engine/verdict/policy.h"
#include "lua/sandbox.h"

struct moon_texts {
    const char **items;
    size_t count;
};

struct moon_list_entry {
    const char *name;
    bool bare;                    /* was written as a domain alone */
    const char *dkim, *spf, *arc; /* normalized domains, or NULL */
    struct moon_net *networks;
    size_t network_count;
    struct moon_texts network_texts; /* as written */
    struct moon_texts recipients;    /* "user@domain" or a domain, lower case */
    struct moon_texts from;          /* domains; ".domain" means all below it */
    const char *expires;             /* as written, or NULL */
    int64_t expires_s;               /* end of that day in UTC */
    const char *note;
};

struct moon_list {
    const char *name; /* "forwarders" */
    const char *path; /* "tenants/lists/forwarders.lua" */
    struct moon_list_entry *entries;
    size_t count;
};

/* Everything is in the arena. MOON_ECONF with "file:line: what" for a list that is wrong. */
enum moon_status moon_list_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                 struct moon_span source, const char *name, const char *path,
                                 struct moon_list **list_r, struct moon_error *error);
/* Do all conditions of the entry hold? `why_not_r` (may be NULL) gets the first that does not. */
bool moon_list_entry_holds(const struct moon_list_entry *entry,
                           const struct moon_policy_input *input, const char **why_not_r);

#endif
