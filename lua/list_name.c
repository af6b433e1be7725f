/* SPDX-License-Identifier: MIT
 *
 * list_name: see the header.
 */
#include "lua/list_name.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"

bool moon_list_name_nearest(const struct moon_snapshot *snapshot, const char *path,
                            char near_r[MOON_LIST_NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0, n = strlen(path);
    char name[MOON_LIST_NAME_MAX + 1];
    unsigned best = MOON_LIST_NAME_MAX;
    struct moon_span key, value;

    if (!snapshot || n < folder + 5)
        return false;
    for (size_t i = 0; moon_snapshot_each(snapshot, i, &key, &value); i++) {
        struct moon_nearest nearest = {0};
        struct moon_span whole = moon_span_sub(key, 5, key.n), file;
        if (!moon_span_is(moon_span_sub(key, 0, 5), "list/") ||
            !moon_span_eq(moon_span_sub(whole, 0, folder), (struct moon_span){path, folder}))
            continue;
        file = moon_span_sub(whole, folder, whole.n);
        (void)snprintf(name, sizeof name, "%.*s", (int)(file.n > 4 ? file.n - 4 : 0), file.p);
        moon_nearest_offer(&nearest, (struct moon_span){path + folder, n - folder - 4}, name);
        if (nearest.best && nearest.distance < best) {
            best = nearest.distance;
            (void)snprintf(near_r, MOON_LIST_NAME_MAX + 1, "%s", name);
        }
    }
    return best < MOON_LIST_NAME_MAX;
}
