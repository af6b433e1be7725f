/* SPDX-License-Identifier: MIT
 *
 * gather_settings: what the tenants' settings in tenants.lua look like beside those of "*", which
 * declares what there is: a name that is not there but near one of it, and a value of another type,
 * are probably mistakes. A policy of the tenant's own may want just that, so they are warnings.
 */
#include <stdio.h>

#include "engine/base/nearest.h"
#include "engine/cmd/gather_parts.h"
#include "lua/lines.h"

#define NAME_MAX_BYTES 64u
#define TOLD_MAX       20u /* finding a line reads the whole file */

static const struct moon_setting *declared(const struct moon_tenants_entry *others,
                                           struct moon_span key)
{
    for (size_t i = 0; i < others->setting_count; i++)
        if (moon_setting_compare(others->settings[i].key, key) == 0)
            return &others->settings[i];
    return NULL;
}

/* The name of "*" that may be meant, or false. A name that only begins like another is one of its
 * own: spam, spam_score. */
static bool near_name(const struct moon_tenants_entry *others, struct moon_span key,
                      char near_r[NAME_MAX_BYTES])
{
    unsigned best = NAME_MAX_BYTES;
    for (size_t i = 0; i < others->setting_count; i++) {
        struct moon_span name = others->settings[i].key;
        unsigned distance = moon_nearest_distance(key, name);
        size_t longer = key.n > name.n ? key.n : name.n;
        if (longer > 3 && longer < NAME_MAX_BYTES && distance < best &&
            distance <= (longer + 2) / 3) {
            best = distance;
            (void)snprintf(near_r, NAME_MAX_BYTES, "%.*s", (int)name.n, name.p);
        }
    }
    return best < NAME_MAX_BYTES;
}

static const char *type_name(const struct moon_setting *setting)
{
    switch (setting->type) {
    case MOON_SETTING_TEXT:
        return "a text";
    case MOON_SETTING_INTEGER:
    case MOON_SETTING_NUMBER:
        return "a number";
    case MOON_SETTING_BOOLEAN:
        return setting->boolean ? "true" : "false";
    case MOON_SETTING_LIST:
        return "a list";
    case MOON_SETTING_MAP:
        return "a table";
    }
    return "";
}

/* May one stand for the other? false is how "there is none" is written, and {} is list and table.
 */
static bool agree(const struct moon_setting *a, const struct moon_setting *b)
{
    bool a_number = a->type == MOON_SETTING_INTEGER || a->type == MOON_SETTING_NUMBER;
    bool b_number = b->type == MOON_SETTING_INTEGER || b->type == MOON_SETTING_NUMBER;
    bool a_table = a->type == MOON_SETTING_LIST || a->type == MOON_SETTING_MAP;
    bool b_table = b->type == MOON_SETTING_LIST || b->type == MOON_SETTING_MAP;
    if ((a->type == MOON_SETTING_BOOLEAN && !a->boolean) ||
        (b->type == MOON_SETTING_BOOLEAN && !b->boolean) || (a_number && b_number))
        return true;
    return a->type == b->type || (a_table && b_table && (!a->part_count || !b->part_count));
}

static void warn(struct moon_gather *gather, const struct moon_tenants_entry *entry,
                 const struct moon_setting *setting, const char *what)
{
    int n = (int)(setting->key.n < 100 ? setting->key.n : 100);
    const char *path = moon_arena_printf(gather->arena, "%s.settings.%.*s", entry->name, n,
                                         setting->key.p ? setting->key.p : "");
    if (!path || !what) {
        gather->no_memory = true;
        return;
    }
    moon_gather_warn(gather, "%s/tenants.lua:%d: setting '%.*s' of tenant '%s' %s",
                     gather->config_dir, moon_lines_find(gather->tenants_text, path), n,
                     setting->key.p ? setting->key.p : "", entry->name, what);
}

void moon_gather_settings(struct moon_gather *gather)
{
    const struct moon_tenants_entry *others = gather->others;
    char near[NAME_MAX_BYTES];
    size_t count = 0;

    for (size_t i = 0; others && i < gather->tenants_conf.count; i++) {
        const struct moon_tenants_entry *entry = &gather->tenants_conf.entries[i];
        for (size_t k = 0; entry != others && k < entry->setting_count; k++) {
            const struct moon_setting *setting = &entry->settings[k];
            const struct moon_setting *same = declared(others, setting->key);
            bool wrong = same ? !agree(same, setting) : near_name(others, setting->key, near);
            count += wrong;
            if (wrong && count <= TOLD_MAX)
                warn(gather, entry, setting,
                     same ? moon_arena_printf(gather->arena, "is %s, but %s in \"*\"",
                                              type_name(setting), type_name(same))
                          : moon_arena_printf(gather->arena, "is not one of \"*\"; is '%s' meant?",
                                              near));
        }
    }
    if (count > TOLD_MAX)
        moon_gather_warn(gather, "%s/tenants.lua: %zu more settings are not like those of \"*\"",
                         gather->config_dir, count - TOLD_MAX);
}
