/* SPDX-License-Identifier: MIT
 *
 * members: what the files of this room write JSON with. A member without a value is left out.
 * Internal to this room.
 */
#ifndef MOON_REPORT_MEMBERS_H
#define MOON_REPORT_MEMBERS_H

#include "engine/auth/results.h"
#include "engine/base/json.h"

/* What a stranger can make long is cut to this in records. */
#define MOON_MEMBER_TEXT_MAX 512u

void moon_member(struct moon_json *json, const char *key, const char *value);
void moon_member_count(struct moon_json *json, const char *key, int64_t value); /* 0: left out */
void moon_member_flag(struct moon_json *json, const char *key, bool value);
/* "result" and "reason". */
void moon_member_result(struct moon_json *json, enum moon_result result, const char *reason);

#endif
