/* SPDX-License-Identifier: MIT
 *
 * groups: the table policy.recipients, looked through whole before any mail meets it. Internal to
 * this room.
 */
#ifndef MOON_LUA_GROUPS_H
#define MOON_LUA_GROUPS_H

#include "lua/facts.h"

/* Raises when an entry of the table cannot be asked: its key is no recipient, or its value is no
 * function of the file. The policy is at index 1. [-0, +0] */
void moon_groups_check(lua_State *L, const struct moon_decide *decide);
/* Where the source writes the group of that name, else where it first says "recipients"; 0: it
 * does not. */
int moon_groups_line(struct moon_span source, struct moon_span key);

#endif
