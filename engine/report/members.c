/* SPDX-License-Identifier: MIT
 *
 * members: see the header.
 */
#include "engine/report/members.h"

void moon_member(struct moon_json *json, const char *key, const char *value)
{
    if (value && *value)
        moon_json_span(json, key, moon_span_sub(moon_span_of(value), 0, MOON_MEMBER_TEXT_MAX));
}

void moon_member_count(struct moon_json *json, const char *key, int64_t value)
{
    if (value)
        moon_json_int(json, key, value);
}

void moon_member_flag(struct moon_json *json, const char *key, bool value)
{
    if (value)
        moon_json_bool(json, key, true);
}

void moon_member_result(struct moon_json *json, enum moon_result result, const char *reason)
{
    moon_json_string(json, "result", moon_result_name(result));
    moon_member(json, "reason", reason);
}
