/* SPDX-License-Identifier: MIT
 *
 * config: reads moonscan.lua, a Lua table of settings, against the schema of base/conf.h.
 */
#ifndef MOON_LUA_CONFIG_H
#define MOON_LUA_CONFIG_H

#include "engine/base/conf.h"

struct moon_config_value {
    const struct moon_conf_key *key;
    const char *value; /* canonical, checked */
    int line;
};

struct moon_config {
    struct moon_config_value *values;
    size_t value_count;
    const char **errors; /* "name:line: what", in the order of the lines */
    size_t error_count;
};

/* Runs the source in a sandbox with the default limits and checks what it returns. All mistakes are
 * reported at once; MOON_OK also with errors. Everything is in the arena. `name` is shown in
 * messages. MOON_ENOMEM is the only failure. */
enum moon_status moon_config_parse(struct moon_arena *arena, struct moon_span source,
                                   const char *name, struct moon_config *config_r);

#endif
