/* SPDX-License-Identifier: MIT
 *
 * gather_tenants: the folders with policies of tenants, tenants/ and policies/, and their next
 * versions below next/. In each a policy is NAME.lua or NAME/policy.lua, with lists/ beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/cmd/gather_parts.h"

/* The policy at `path`, which lives in the arena, is this tenant's. */
static void has_policy(struct moon_gather *gather, struct moon_span name, const char *path)
{
    struct moon_gather_tenant *tenant = moon_gather_tenant(gather, name);
    if (tenant && *tenant->path)
        moon_gather_complain(gather, "%s/%s: tenant '%s' has another policy in %s; remove one",
                             gather->config_dir, path, tenant->name, tenant->path);
    else if (tenant)
        tenant->path = path;
    if (tenant)
        tenant->elsewhere = true;
}

/* The next version of a tenant's policy; the tenant is known. */
static void has_next(struct moon_gather *gather, struct moon_gather_tenant *tenant,
                     const char *path)
{
    if (tenant->next)
        moon_gather_complain(gather,
                             "%s/%s: tenant '%s' has another next version in %s; remove one",
                             gather->config_dir, path, tenant->name, tenant->next);
    else
        tenant->next = path;
}

static struct moon_gather_shared *shared_of(struct moon_gather *gather, struct moon_span name)
{
    for (size_t i = 0; i < gather->shared_count; i++)
        if (moon_span_is(name, gather->shared[i].name))
            return &gather->shared[i];
    return NULL;
}

static void add_shared(struct moon_gather *gather, struct moon_span name, const char *path)
{
    struct moon_gather_shared *larger =
        moon_arena_append(gather->arena, gather->shared, gather->shared_count, sizeof *larger);
    const char *copy = larger ? moon_arena_dup(gather->arena, name) : NULL;
    if (!copy) {
        gather->no_memory = true;
        return;
    }
    gather->shared = larger;
    larger[gather->shared_count++] = (struct moon_gather_shared){.name = copy, .path = path};
}

/* A next version of nothing: whose was meant? */
static void complain_nobody(struct moon_gather *gather, const char *path, const char *kind,
                            struct moon_span name, const char *nearest)
{
    moon_gather_complain(gather, "%s/%s: there is no %s '%.*s'%s%s%s", gather->config_dir, path,
                         kind, (int)(name.n < 100 ? name.n : 100), name.p,
                         nearest ? "; is '" : "; next/ holds new versions of what is there",
                         nearest ? nearest : "", nearest ? "' meant?" : "");
}

/* The policy at `path` was found under `folder`. */
static void claim(struct moon_gather *gather, const char *folder, struct moon_span name,
                  const char *path)
{
    bool next = !strncmp(folder, "next/", 5), tenants = strstr(folder, "tenants") != NULL;
    struct moon_gather_tenant *tenant = moon_gather_tenant_find(gather, name);
    struct moon_gather_shared *shared = shared_of(gather, name);
    struct moon_nearest nearest = {0};

    gather->policy_count++;
    if (tenants && !next) {
        has_policy(gather, name, path);
    } else if (tenants && tenant) {
        has_next(gather, tenant, path);
    } else if (tenants) {
        for (size_t i = 0; i < gather->tenant_known; i++)
            moon_nearest_offer(&nearest, name, gather->tenants[i].name);
        complain_nobody(gather, path, "tenant", name, nearest.best);
    } else if ((next && shared && shared->next) || (!next && shared)) {
        moon_gather_complain(gather, "%s/%s: %s is the same policy; remove one", gather->config_dir,
                             path, next ? shared->next : shared->path);
    } else if (next && shared) {
        shared->next = path;
    } else if (next) {
        for (size_t i = 0; i < gather->shared_count; i++)
            moon_nearest_offer(&nearest, name, gather->shared[i].name);
        complain_nobody(gather, path, "policy", name, nearest.best);
    } else {
        add_shared(gather, name, path);
    }
}

/* What the folder of a policy holds that nobody reads: a Lua file, or nearly a name that counts. */
static void note_stray(struct moon_gather *gather, const char *folder, const char *name)
{
    static const char *const known[] = {"policy.lua", "lists", "fixtures"};
    struct moon_nearest nearest = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(name, known[i]))
            return;
        moon_nearest_offer(&nearest, moon_span_of(name), known[i]);
    }
    bool lua = moon_gather_stem(name).n > 0;
    if ((!lua && !nearest.best) || name[strlen(name) - 1] == '~')
        return; /* editors leave copies behind */
    moon_gather_note(gather, "%s/%s/%s is not read; is %s meant?", gather->config_dir, folder, name,
                     nearest.best ? nearest.best : "policy.lua");
    if (lua && !(gather->stray = moon_arena_cstr(gather->arena, name)))
        gather->no_memory = true;
}

/* The folder `name` below `folder`: policy.lua, and lists/. */
static void add_folder(struct moon_gather *gather, const char *folder, const char *name)
{
    char lists[300];
    size_t errors = gather->error_count, count = gather->list_count;
    bool next = !strncmp(folder, "next/", 5), tenants = strstr(folder, "tenants") != NULL;
    struct moon_span stem = moon_span_of(name);
    const char *path = moon_arena_printf(gather->arena, "%s/%s/policy.lua", folder, name);

    if (!path) {
        gather->no_memory = true;
        return;
    }
    bool policy = moon_gather_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX);
    if (policy)
        claim(gather, folder, stem, path);
    (void)snprintf(lists, sizeof lists, "%.32s/%.64s/lists", folder, name);
    moon_gather_each(gather, lists, moon_gather_list);
    moon_gather_fixtures(gather, moon_arena_printf(gather->arena, "%s/%s/fixtures", folder, name));
    gather->stray = NULL;
    (void)snprintf(lists, sizeof lists, "%.32s/%.64s", folder, name);
    moon_gather_each(gather, lists, note_stray);
    struct moon_gather_tenant *tenant = !tenants ? NULL
                                        : next   ? moon_gather_tenant_find(gather, stem)
                                                 : moon_gather_tenant(gather, stem);
    struct moon_gather_shared *shared = tenants ? NULL : shared_of(gather, stem);
    if (next && tenant)
        tenant->next_lists = gather->list_count > count;
    if (next && shared)
        shared->next_lists = gather->list_count > count;
    if (tenant && !next && !policy && gather->error_count == errors) {
        tenant->folder = tenant->elsewhere = true; /* a shared policy may be enough */
        tenant->stray = gather->stray;
    }
    if (!tenants && !next && !policy && gather->error_count == errors)
        moon_gather_complain(gather,
                             "%s/%s: there is no such file%s%s%s; the folder of a policy has one",
                             gather->config_dir, path, gather->stray ? " (is " : "",
                             gather->stray ? gather->stray : "", gather->stray ? " meant?)" : "");
}

/* One entry of tenants/ or policies/, or of those below next/. */
static void add_entry(struct moon_gather *gather, const char *folder, const char *name)
{
    char whole[4096];
    struct stat st;
    struct moon_span stem = moon_gather_stem(name);
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s/%s", gather->config_dir, folder, name) >=
            sizeof whole ||
        !strcmp(name, "lists") || !strcmp(name, "fixtures"))
        return;
    if (stat(whole, &st) != 0) {
        moon_gather_complain(gather, "%s: %s", whole,
                             errno == ENOENT ? "a link to nothing" : strerror(errno));
        return;
    }
    bool folder_of = S_ISDIR(st.st_mode);
    if (!folder_of && !stem.n)
        return; /* editors leave copies behind */
    if (!moon_gather_is_tenant_name(folder_of ? moon_span_of(name) : stem)) {
        moon_gather_complain(gather,
                             "%s: a %s's name is made of lower-case letters, digits, '-', '_' "
                             "and '.' (lists, fixtures and default are taken); rename it",
                             whole, strstr(folder, "tenants") ? "tenant" : "policy");
        return;
    }
    if (folder_of) {
        add_folder(gather, folder, name);
        return;
    }
    const char *path = moon_arena_printf(gather->arena, "%s/%s", folder, name);
    if (!path)
        gather->no_memory = true;
    else if (moon_gather_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX))
        claim(gather, folder, stem, path);
}

void moon_gather_folders(struct moon_gather *gather)
{
    moon_gather_each(gather, "policies", add_entry);
    moon_gather_each(gather, "policies/lists", moon_gather_list);
    moon_gather_each(gather, "tenants", add_entry);
    moon_gather_each(gather, "tenants/lists", moon_gather_list);
    moon_gather_fixtures(gather, "policies/fixtures");
    moon_gather_fixtures(gather, "tenants/fixtures");
}

/* Lists of next/; true when there are any. */
static bool add_next_lists(struct moon_gather *gather, const char *folder)
{
    size_t count = gather->list_count;
    moon_gather_each(gather, folder, moon_gather_list);
    return gather->list_count > count;
}

/* What next/ holds that nobody reads. */
static void note_unread(struct moon_gather *gather, const char *folder, const char *name)
{
    static const char *const known[] = {"site.lua", "lists", "tenants", "policies", "fixtures"};
    struct moon_nearest nearest = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(name, known[i]))
            return;
        moon_nearest_offer(&nearest, moon_span_of(name), known[i]);
    }
    if (name[strlen(name) - 1] == '~')
        return; /* editors leave copies behind */
    if (nearest.best && strcmp(name, "tenants.map") != 0 && strcmp(name, "tenants.lua") != 0)
        moon_gather_note(gather, "%s/%s/%s is not read; is %s meant?", gather->config_dir, folder,
                         name, nearest.best);
    else if (moon_gather_stem(name).n || !strcmp(name, "tenants.map"))
        moon_gather_note(
            gather, "%s/%s/%s is not read: next/ holds site.lua, tenants/, policies/ and lists",
            gather->config_dir, folder, name);
}

void moon_gather_next(struct moon_gather *gather)
{
    moon_gather_each(gather, "next", note_unread);
    if (moon_gather_source(gather, "policy", "next/site.lua", MOON_SOURCE_BYTES_MAX)) {
        gather->next_site = "next/site.lua";
        gather->policy_count++;
    }
    gather->next_site_lists = add_next_lists(gather, "next/lists");
    moon_gather_each(gather, "next/policies", add_entry);
    gather->next_policies_lists = add_next_lists(gather, "next/policies/lists");
    moon_gather_each(gather, "next/tenants", add_entry);
    gather->next_tenants_lists = add_next_lists(gather, "next/tenants/lists");
    moon_gather_fixtures(gather, "next/fixtures");
    moon_gather_fixtures(gather, "next/policies/fixtures");
    moon_gather_fixtures(gather, "next/tenants/fixtures");
}
