/* SPDX-License-Identifier: MIT
 *
 * tenants_config: reads tenants.lua, the operator's table of tenants:
 *
 *   return {
 *     ["*"] = { mode = "dry_run", settings = { quarantine_spam = false } },   -- for every tenant
 *     acme = { mode = "enforce", canary = 10, policy = "gold",
 *              settings = { quarantine_spam = true, vip = { "ceo@acme.example" } } },
 *   }
 */
#ifndef MOON_LUA_TENANTS_CONFIG_H
#define MOON_LUA_TENANTS_CONFIG_H

#include "engine/base/tenant_conf.h"

struct moon_tenants_entry {
    const char *name; /* as it stands there: "*" or a tenant's name, not checked */
    enum moon_mode mode;
    int canary;                          /* -1: not said */
    const char *policy;                  /* name of a shared policy; NULL: not said */
    const struct moon_setting *settings; /* sorted */
    size_t setting_count;
};

struct moon_tenants_config {
    struct moon_tenants_entry *entries; /* in the order of names, "*" first */
    size_t count;
    const char **errors; /* "name:line: what", in the order of the lines */
    size_t error_count;
};

/* Runs the source in a sandbox and checks what it returns. All mistakes are reported at once;
 * MOON_OK also with errors. Everything is in the arena. `name` is shown in messages;
 * `instructions` is what the file may use (MOON_TENANT_FILE_INSTRUCTIONS). MOON_ENOMEM is the only
 * failure. */
enum moon_status moon_tenants_parse(struct moon_arena *arena, struct moon_span source,
                                    const char *name, int64_t instructions,
                                    struct moon_tenants_config *config_r);
/* The record of an entry: what it does not say, "*" says (NULL: nothing does). An empty span when
 * there is no memory; longer than MOON_TENANT_CONF_BYTES_MAX is for the caller to refuse. */
struct moon_span moon_tenants_pack(struct moon_arena *arena, const struct moon_tenants_entry *entry,
                                   const struct moon_tenants_entry *others);

#endif
