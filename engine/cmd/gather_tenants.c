/* SPDX-License-Identifier: MIT
 *
 * gather_tenants: who the tenants are, and the folder with their policies. Names are found by a
 * hash table: there may be 100,000 of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/limits.h"
#include "engine/cmd/gather_parts.h"

/* --- names -------------------------------------------------------------------------------------
 */

bool moon_gather_is_tenant_name(struct moon_span name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || moon_is_digit(c);
        if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return name.n > 0 && name.n <= 64 && !moon_span_is(name, "lists");
}

/* The slot of that name, or the free one where it belongs. */
static uint32_t *slot_of(const struct moon_gather *gather, struct moon_span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619u;
    size_t i = hash & (gather->tenant_slot_count - 1);
    while (gather->tenant_slots[i] &&
           !moon_span_is(name, gather->tenants[gather->tenant_slots[i] - 1].name))
        i = (i + 1) & (gather->tenant_slot_count - 1);
    return &gather->tenant_slots[i];
}

struct moon_gather_tenant *moon_gather_tenant_find(const struct moon_gather *gather,
                                                   struct moon_span name)
{
    uint32_t found = gather->tenant_slot_count ? *slot_of(gather, name) : 0;
    return found ? &gather->tenants[found - 1] : NULL;
}

/* Room for one more; the table stays half empty. */
static bool reserve_slot(struct moon_gather *gather)
{
    size_t count = gather->tenant_slot_count ? 2 * gather->tenant_slot_count : 64;
    if (2 * (gather->tenant_known + 1) <= gather->tenant_slot_count)
        return true;
    uint32_t *slots = moon_arena_array(gather->arena, count, sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0, count * sizeof *slots);
    gather->tenant_slots = slots;
    gather->tenant_slot_count = count;
    for (size_t i = 0; i < gather->tenant_known; i++)
        *slot_of(gather, moon_span_of(gather->tenants[i].name)) = (uint32_t)i + 1;
    return true;
}

struct moon_gather_tenant *moon_gather_tenant(struct moon_gather *gather, struct moon_span name)
{
    struct moon_gather_tenant *tenant = moon_gather_tenant_find(gather, name);
    size_t n = gather->tenant_known;
    if (tenant)
        return tenant;
    struct moon_gather_tenant *larger =
        moon_arena_append(gather->arena, gather->tenants, n, sizeof *larger);
    const char *copy = larger ? moon_arena_dup(gather->arena, name) : NULL;
    if (!copy || !reserve_slot(gather)) {
        gather->no_memory = true;
        return NULL;
    }
    gather->tenants = larger;
    larger[n] = (struct moon_gather_tenant){.name = copy, .path = ""};
    *slot_of(gather, name) = (uint32_t)n + 1;
    gather->tenant_known++;
    return &larger[n];
}

/* --- the folder tenants/ -----------------------------------------------------------------------
 */

/* The policy at `path`, which lives in the arena, is this tenant's. */
static void has_policy(struct moon_gather *gather, struct moon_span name, const char *path)
{
    struct moon_gather_tenant *tenant = moon_gather_tenant(gather, name);
    if (tenant && *tenant->path)
        moon_gather_complain(gather, "%s/%s: tenant '%s' has another policy in %s; remove one",
                             gather->config_dir, path, tenant->name, tenant->path);
    else if (tenant)
        tenant->path = path;
}

static void add_tenant_folder(struct moon_gather *gather, const char *name)
{
    char lists[300];
    size_t errors = gather->error_count;
    const char *path = moon_arena_printf(gather->arena, "tenants/%s/policy.lua", name);
    if (!path) {
        gather->no_memory = true;
        return;
    }
    if (moon_gather_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX)) {
        gather->policy_count++;
        has_policy(gather, moon_span_of(name), path);
    } else if (gather->error_count == errors) {
        moon_gather_complain(gather, "%s/%s: there is no such file; a tenant's folder has one",
                             gather->config_dir, path);
    }
    (void)snprintf(lists, sizeof lists, "tenants/%.64s/lists", name);
    moon_gather_each(gather, lists, moon_gather_list);
}

static void add_tenant(struct moon_gather *gather, const char *folder, const char *name)
{
    char whole[4096];
    struct stat st;
    struct moon_span stem = moon_gather_stem(name);
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s/%s", gather->config_dir, folder, name) >=
            sizeof whole ||
        !strcmp(name, "lists"))
        return;
    if (stat(whole, &st) != 0) {
        moon_gather_complain(gather, "%s: %s", whole,
                             errno == ENOENT ? "a link to nothing" : strerror(errno));
        return;
    }
    bool folder_of = S_ISDIR(st.st_mode);
    if (!folder_of && !stem.n)
        return; /* editors leave copies behind */
    struct moon_span tenant = folder_of ? moon_span_of(name) : stem;
    if (!moon_gather_is_tenant_name(tenant)) {
        moon_gather_complain(gather,
                             "%s: a tenant's name is made of lower-case letters, digits, '-', '_' "
                             "and '.'; rename it",
                             whole);
        return;
    }
    if (folder_of) {
        add_tenant_folder(gather, name);
        return;
    }
    const char *path = moon_arena_printf(gather->arena, "tenants/%s", name);
    if (!path) {
        gather->no_memory = true;
    } else if (moon_gather_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX)) {
        gather->policy_count++;
        has_policy(gather, tenant, path);
    }
}

void moon_gather_tenants_folder(struct moon_gather *gather)
{
    moon_gather_each(gather, "tenants", add_tenant);
    moon_gather_each(gather, "tenants/lists", moon_gather_list);
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

void moon_gather_tenants_add(struct moon_gather *gather)
{
    for (size_t i = 0; i < gather->tenant_known; i++)
        moon_gather_add(gather, "tenant", gather->tenants[i].name,
                        moon_span_of(gather->tenants[i].path));
    gather->tenant_count = gather->tenant_known;
    note_tenants(gather);
}
