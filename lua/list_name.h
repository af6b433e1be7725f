/* SPDX-License-Identifier: MIT
 *
 * list_name: which list was meant, for the error that there is none of that name.
 */
#ifndef MOON_LUA_LIST_NAME_H
#define MOON_LUA_LIST_NAME_H

#include "engine/base/snapshot.h"

#define MOON_LIST_NAME_MAX 64u

/* The name of the list of the snapshot (may be NULL) in the folder of `path` that is nearest to
 * "tenants/lists/NAME.lua"; false when none is near. */
bool moon_list_name_nearest(const struct moon_snapshot *snapshot, const char *path,
                            char near_r[MOON_LIST_NAME_MAX + 1]);

#endif
