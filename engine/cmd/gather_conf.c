/* SPDX-License-Identifier: MIT
 *
 * gather_conf: tenants.lua, who has which policy, and in which mode. Procedure: (1) read the file,
 * before the folders, (2) when all files are known, give each tenant its policy: its own file, else
 * the shared one that tenants.lua names, (3) its next version: what stands in next/ for the policy,
 * or for a list beside it, (4) its record of mode and settings, and what publishing says of modes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/cmd/gather_parts.h"
#include "lua/lines.h"

#define ORPHANS_MAX 20u /* that are held against all names */
#define SHOWN       5u  /* tenants by name, in lists of them */

void moon_gather_conf_complain(struct moon_gather *gather, const char *key, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut: a message for people */
    va_end(args);
    moon_gather_complain(gather, "%s/tenants.lua:%d: %s", gather->config_dir,
                         moon_lines_find(gather->tenants_text, key), text);
}

/* Step 1. */
void moon_gather_conf_read(struct moon_gather *gather)
{
    char name[4200];
    struct moon_tenants_config *config = &gather->tenants_conf;
    if (!moon_gather_text(gather, "tenants.lua", MOON_TENANTS_BYTES_MAX, &gather->tenants_text))
        return;
    (void)snprintf(name, sizeof name, "%s/tenants.lua", gather->config_dir);
    if (moon_tenants_parse(gather->arena, gather->tenants_text, name, MOON_TENANT_FILE_INSTRUCTIONS,
                           config) != MOON_OK) {
        gather->no_memory = true;
        return;
    }
    for (size_t i = 0; i < config->error_count; i++)
        moon_gather_complain(gather, "%s", config->errors[i]);
    for (size_t i = 0; i < config->count; i++) {
        const struct moon_tenants_entry *entry = &config->entries[i];
        struct moon_span tenant_name = moon_span_of(entry->name);
        if (moon_span_is(tenant_name, "*")) {
            gather->others = entry;
        } else if (!moon_gather_is_tenant_name(tenant_name)) {
            moon_gather_conf_complain(gather, entry->name,
                                      "'%.100s' cannot be a tenant's name: use lower-case letters, "
                                      "digits, '-', '_' and '.', or \"*\" for all tenants "
                                      "(lists, fixtures and default are taken)",
                                      entry->name);
        } else {
            struct moon_gather_tenant *tenant = moon_gather_tenant(gather, tenant_name);
            if (tenant)
                tenant->entry = entry;
        }
    }
}

/* --- step 2: policies --------------------------------------------------------------------------
 */

static const struct moon_gather_shared *shared_named(const struct moon_gather *gather,
                                                     const char *name)
{
    for (size_t i = 0; name && i < gather->shared_count; i++)
        if (!strcmp(name, gather->shared[i].name))
            return &gather->shared[i];
    return NULL;
}

/* The shared policy that this entry names; NULL after a complaint. */
static const struct moon_gather_shared *wanted(struct moon_gather *gather,
                                               const struct moon_tenants_entry *entry)
{
    const struct moon_gather_shared *shared = shared_named(gather, entry->policy);
    struct moon_nearest nearest = {0};
    const char *key = moon_arena_printf(gather->arena, "%s.policy", entry->name);

    for (size_t i = 0; !shared && i < gather->shared_count; i++)
        moon_nearest_offer(&nearest, moon_span_of(entry->policy), gather->shared[i].name);
    if (!shared && key)
        moon_gather_conf_complain(gather, key, "there is no policies/%s.lua%s%s%s", entry->policy,
                                  nearest.best ? "; is '" : "; put the policy there",
                                  nearest.best ? nearest.best : "", nearest.best ? "' meant?" : "");
    return shared;
}

/* The shared policy of a tenant, or NULL. */
static const struct moon_gather_shared *shared_policy(struct moon_gather *gather,
                                                      const struct moon_gather_tenant *tenant,
                                                      const struct moon_gather_shared *of_all)
{
    const struct moon_tenants_entry *entry = tenant->entry;
    if (entry && entry->policy && *tenant->path) {
        const char *key = moon_arena_printf(gather->arena, "%s.policy", entry->name);
        if (key)
            moon_gather_conf_complain(gather, key,
                                      "tenant '%s' has a policy of its own in %s; remove one",
                                      entry->name, tenant->path);
        return NULL;
    }
    if (*tenant->path)
        return NULL;
    return entry && entry->policy ? wanted(gather, entry) : of_all;
}

/* Step 3: the path of the next version, the same as now when only a list is new; NULL: none. */
static const char *next_of(const struct moon_gather *gather,
                           const struct moon_gather_tenant *tenant,
                           const struct moon_gather_shared *shared)
{
    if (tenant->next)
        return tenant->next;
    if (shared && shared->next)
        return shared->next;
    if (!*tenant->path)
        return NULL;
    bool in_folder = strrchr(tenant->path, '/') != strchr(tenant->path, '/');
    bool lists = tenant->next_lists;
    if (shared)
        lists = lists || (in_folder ? shared->next_lists : gather->next_policies_lists);
    else
        lists = lists || (!in_folder && gather->next_tenants_lists);
    return lists ? tenant->path : NULL;
}

/* Tenants of the map without a policy; the first few by name. */
static void note_tenants(struct moon_gather *gather)
{
    const char *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < gather->tenant_known; i++) {
        if (*gather->tenants[i].path)
            continue;
        first = first ? first : gather->tenants[i].name;
        count++;
    }
    if (count == 1)
        moon_gather_note(
            gather,
            "tenant '%s' has no policy (tenants/%s.lua); the site's or the built-in decides", first,
            first);
    else if (count)
        moon_gather_note(
            gather,
            "%zu tenants have no policy ('%s' is the first); the site's or the built-in decides",
            count, first);
}

static void add_tenant(struct moon_gather *gather, struct moon_gather_tenant *tenant,
                       const struct moon_gather_shared *of_all)
{
    const struct moon_gather_shared *shared = shared_policy(gather, tenant, of_all);
    if (shared)
        tenant->path = shared->path;
    if (tenant->folder && !*tenant->path)
        moon_gather_complain(gather,
                             "%s/tenants/%s/policy.lua: there is no such file%s%s%s; a tenant's "
                             "folder has one, unless tenants.lua gives the tenant a shared policy",
                             gather->config_dir, tenant->name, tenant->stray ? " (is " : "",
                             tenant->stray ? tenant->stray : "", tenant->stray ? " meant?)" : "");
    tenant->next = next_of(gather, tenant, shared);
    moon_gather_add(gather, "tenant", tenant->name, moon_span_of(tenant->path));
    if (tenant->next)
        moon_gather_add(gather, "next-tenant", tenant->name, moon_span_of(tenant->next));
    if (!tenant->entry)
        return;
    struct moon_span record = moon_tenants_pack(gather->arena, tenant->entry, gather->others);
    if (record.n > MOON_TENANT_CONF_BYTES_MAX)
        moon_gather_conf_complain(gather, tenant->name,
                                  "the settings of tenant '%s' have more than %u bytes",
                                  tenant->name, MOON_TENANT_CONF_BYTES_MAX);
    gather->no_memory = gather->no_memory || !record.n;
    moon_gather_add(gather, "tenant-conf", tenant->name, record);
}

void moon_gather_tenants_add(struct moon_gather *gather)
{
    const struct moon_gather_shared *of_all =
        gather->others && gather->others->policy ? wanted(gather, gather->others) : NULL;

    if (!gather->next_site && gather->site && gather->next_site_lists)
        gather->next_site = gather->site;
    if (gather->next_site)
        moon_gather_add(gather, "next-site", "", moon_span_of(gather->next_site));
    if (gather->others)
        moon_gather_add(gather, "tenant-conf", "*",
                        moon_tenants_pack(gather->arena, gather->others, NULL));
    for (size_t i = 0; i < gather->tenant_known && !gather->no_memory; i++)
        add_tenant(gather, &gather->tenants[i], of_all);
    gather->tenant_count = gather->tenant_known;
    note_tenants(gather);
    moon_gather_settings(gather);
    if (of_all && !gather->site)
        moon_gather_note(gather,
                         "the policy '%s' of \"*\" is for tenants; for recipients of no tenant the "
                         "built-in decides, as there is no site.lua",
                         of_all->name);
}

/* --- step 4: modes -----------------------------------------------------------------------------
 */

/* Some tenants, the first few by name. */
struct group {
    size_t count;
    char names[200];
};

static void put_in(struct group *group, const char *name)
{
    size_t used = strlen(group->names);
    if (group->count < SHOWN)
        (void)snprintf(group->names + used, sizeof group->names - used, "%s%.30s", used ? ", " : "",
                       name);
    else if (group->count == SHOWN)
        (void)snprintf(group->names + used, sizeof group->names - used, ", ...");
    group->count++;
}

enum { IN_ENFORCE, IN_DRY_RUN, IN_SHADOW, IN_CANARY, NOTHING_NEXT, NOT_LOOKED_AT, GROUPS };

static bool asks_for_next(const struct moon_tenants_entry *entry)
{
    return entry && (entry->mode == MOON_MODE_SHADOW || entry->canary > 0);
}

/* `tenant` NULL: the recipients of none, "*". */
static void sort_in(const struct moon_gather *gather, struct group *groups,
                    const struct moon_gather_tenant *tenant, bool next)
{
    const struct moon_tenants_entry *entry = tenant ? tenant->entry : NULL;
    const char *name = tenant ? tenant->name : "*";
    enum moon_mode mode = entry && entry->mode ? entry->mode
                          : gather->others     ? gather->others->mode
                                               : MOON_MODE_NONE;
    int canary = entry && entry->canary >= 0 ? entry->canary
                 : gather->others            ? gather->others->canary
                                             : 0;
    if (!next && asks_for_next(entry))
        put_in(&groups[NOTHING_NEXT], name);
    if (next && canary <= 0 && (mode == MOON_MODE_ENFORCE || mode == MOON_MODE_DRY_RUN))
        put_in(&groups[NOT_LOOKED_AT], name);
    if (mode == MOON_MODE_DRY_RUN)
        put_in(&groups[IN_DRY_RUN], name);
    else if (next && mode != MOON_MODE_ENFORCE)
        put_in(&groups[IN_SHADOW], name);
    else
        put_in(&groups[IN_ENFORCE], name);
    if (next && canary > 0)
        put_in(&groups[IN_CANARY], name);
}

/* Tenants that tenants.lua alone knows of, where there are only a few and a name is near: spelt
 * wrong? */
static void note_orphans(struct moon_gather *gather)
{
    size_t count = 0;
    for (size_t i = 0; i < gather->tenant_known; i++)
        count += !gather->tenants[i].elsewhere;
    for (size_t i = 0; i < gather->tenant_known && count <= ORPHANS_MAX; i++) {
        struct moon_span name = moon_span_of(gather->tenants[i].name);
        struct moon_nearest nearest = {0};
        if (gather->tenants[i].elsewhere)
            continue;
        for (size_t k = 0; k < gather->tenant_known; k++)
            if (gather->tenants[k].elsewhere)
                moon_nearest_offer(&nearest, name, gather->tenants[k].name);
        if (nearest.best)
            moon_gather_note(gather,
                             "tenants.lua names '%s', which no other file does; is '%s' meant?",
                             gather->tenants[i].name, nearest.best);
    }
}

static const char *shown(struct moon_gather *gather, const char *word, const struct group *group)
{
    return group->count
               ? moon_arena_printf(gather->arena, ", %s %zu (%s)", word, group->count, group->names)
               : "";
}

void moon_gather_modes(struct moon_gather *gather)
{
    struct group groups[GROUPS] = {0};

    bool any = gather->next_site != NULL;
    for (size_t i = 0; i < gather->tenant_known; i++) {
        const struct moon_gather_tenant *tenant = &gather->tenants[i];
        any = any || tenant->next;
        sort_in(gather, groups, tenant, tenant->next || gather->next_site);
    }
    sort_in(gather, groups, NULL, gather->next_site != NULL);
    if (!any && asks_for_next(gather->others))
        put_in(&groups[NOTHING_NEXT], "*");
    note_orphans(gather);
    if (groups[NOTHING_NEXT].count)
        moon_gather_note(gather,
                         "shadow or canary is set, but next/ has nothing new for %zu of them: %s",
                         groups[NOTHING_NEXT].count, groups[NOTHING_NEXT].names);
    if (groups[NOT_LOOKED_AT].count)
        moon_gather_note(gather,
                         "next/ has a new version that is not looked at, because the mode of %zu "
                         "is set to another than shadow: %s",
                         groups[NOT_LOOKED_AT].count, groups[NOT_LOOKED_AT].names);
    if (groups[IN_DRY_RUN].count + groups[IN_SHADOW].count + groups[IN_CANARY].count == 0)
        return;
    gather->modes = moon_arena_printf(gather->arena, "enforce %zu%s%s%s", groups[IN_ENFORCE].count,
                                      shown(gather, "dry_run", &groups[IN_DRY_RUN]),
                                      shown(gather, "shadow", &groups[IN_SHADOW]),
                                      shown(gather, "canary", &groups[IN_CANARY]));
    gather->no_memory = gather->no_memory || !gather->modes;
}
