/* SPDX-License-Identifier: MIT
 *
 * profiles: what large receivers ask of senders, as checks for a policy (moon.profile). A profile
 * is a dated table with a few rules (policies/profiles/); it runs in the sandbox of the policy that
 * asks, under its limits, and is read by none that does not ask. Internal to this room.
 */
#ifndef MOON_LUA_PROFILES_H
#define MOON_LUA_PROFILES_H

#include "lua/sandbox.h"

/* Files of policies/profiles/ that are no profiles. */
#define MOON_PROFILE_PROVIDERS "providers"
#define MOON_PROFILE_RULES     "rules"
#define MOON_RULES_PATH        "built-in:profiles/" MOON_PROFILE_RULES

/* Is it a profile: every field that is needed, none that is not known, each of its type? MOON_ECONF
 * with "path:line: what" (profile_check.c). dated_r: its date. */
enum moon_status moon_profile_check(const struct moon_limits *limits, struct moon_span source,
                                    const char *path, char dated_r[11], struct moon_error *error);

/* moon.profile(name) [-1, +1], may raise */
int moon_profiles_open(lua_State *L);

#endif
