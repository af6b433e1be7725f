/* SPDX-License-Identifier: MIT
 *
 * lists: data files beside a policy, read by moon.list. Parsed once per worker into C structures
 * (list.h), so that a long list costs a decision nothing. Internal to this room.
 */
#ifndef MOON_LUA_LISTS_H
#define MOON_LUA_LISTS_H

#include "lua/list.h"
#include "lua/sandbox.h"

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
/* Makes the error say more where a field was compared ("==") instead of set. */
void moon_list_explain(const struct moon_list_reading *reading, struct moon_error *error);
/* A domain at a stack index, normalized; raises. */
const char *moon_list_domain(lua_State *L, int index, size_t item, const char *field);

#endif
