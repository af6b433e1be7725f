/* SPDX-License-Identifier: MIT
 *
 * sources: compiled policies, out of the snapshot or compiled here and kept, and the cache of
 * parsed lists. What is kept is bounded by its bytes: a worker that meets many tenants forgets all
 * of it now and then.
 */
#include "lua/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "lua/code.h"
#include "lua/embedded.h"
#include "lua/list_name.h"
#include "lua/list_pack.h"
#include "lua/profiles.h"

#define KEPT_MAX    500u                /* of each kind; a worker meets few tenants */
#define LISTS_BYTES (64u * 1024 * 1024) /* of the lists of one decision: four of the largest */
#define BUILT_IN_MS 10000               /* our own text compiles, however slow the host is */

struct policy_source {
    char *path;
    const char *kind;      /* "policy" or "profile": where in the snapshot */
    char dated[11];        /* of a profile */
    struct moon_span code; /* on the heap */
    enum moon_status status;
    struct moon_error error;
};

struct list_source {
    char *path;
    struct moon_arena *arena;
    struct moon_list *list;
    enum moon_status status;
    struct moon_error error;
};

struct moon_sources {
    struct moon_limits limits;
    const struct moon_snapshot *snapshot;
    const char *file; /* or NULL */
    struct policy_source **policies;
    struct list_source **lists;
    size_t policy_count, list_count, policy_bytes, list_bytes;
    bool code_known, code_usable;      /* the snapshot's compiled policies */
    struct moon_arena *provider_arena; /* NULL: not read yet */
    const struct moon_providers *providers;
    enum moon_status providers_status;
    struct moon_error providers_error;
};

struct moon_sources *moon_sources_create(const struct moon_limits *limits,
                                         const struct moon_snapshot *snapshot)
{
    struct moon_sources *sources = calloc(1, sizeof *sources);
    if (!sources)
        return NULL;
    sources->limits = *limits;
    sources->snapshot = snapshot;
    sources->policies = calloc(KEPT_MAX, sizeof *sources->policies);
    sources->lists = calloc(KEPT_MAX, sizeof *sources->lists);
    if (!sources->policies || !sources->lists)
        moon_sources_destroy(&sources);
    return sources;
}

static void drop_policy(struct policy_source *source)
{
    if (source) {
        free(source->path);
        free((void *)(uintptr_t)source->code.p);
        free(source);
    }
}

static void drop_list(struct list_source *source)
{
    if (source) {
        free(source->path);
        moon_arena_destroy(&source->arena);
        free(source);
    }
}

static void drop_all(struct moon_sources *sources)
{
    for (size_t i = 0; i < sources->policy_count; i++)
        drop_policy(sources->policies[i]);
    for (size_t i = 0; i < sources->list_count; i++)
        drop_list(sources->lists[i]);
    sources->policy_count = sources->list_count = 0;
    sources->policy_bytes = sources->list_bytes = 0;
}

void moon_sources_destroy(struct moon_sources **sources)
{
    if (!*sources)
        return;
    drop_all(*sources);
    free((*sources)->policies);
    free((*sources)->lists);
    moon_arena_destroy(&(*sources)->provider_arena);
    free(*sources);
    *sources = NULL;
}

void moon_sources_use_files(struct moon_sources *sources, const char *path)
{
    sources->file = path;
}

void moon_sources_trim(struct moon_sources *sources)
{
    /* A decision adds three policies, a few profiles, and the lists they ask for. */
    if (sources->policy_count > KEPT_MAX - 20 || sources->list_count > KEPT_MAX / 2 ||
        sources->policy_bytes + sources->list_bytes > MOON_SOURCES_BYTES_MAX)
        drop_all(sources);
}

bool moon_sources_list_path(const char *policy, const char *name, char *path_r, size_t size)
{
    const char *slash = strrchr(policy, '/');
    int folder = slash ? (int)(slash - policy) + 1 : 0;
    size_t n = strlen(name);
    if (n == 0 || n > MOON_LIST_NAME_MAX || !strncmp(policy, "built-in:", 9))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !moon_is_digit(name[i]) && name[i] != '-' &&
            name[i] != '_')
            return false;
    return (size_t)snprintf(path_r, size, "%.*slists/%s.lua", folder, policy, name) < size;
}

static bool is_built_in(const char *path)
{
    return !strncmp(path, "built-in:", 9);
}

/* The whole file on the heap; the caller frees text_r->p. */
static enum moon_status read_file(const char *path, size_t bytes_max, struct moon_span *text_r,
                                  struct moon_error *error)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return moon_fail(error, MOON_ECONF, "%s: %s", path, strerror(errno));
    char *text = malloc(bytes_max + 1);
    size_t n = text ? fread(text, 1, bytes_max + 1, file) : 0;
    bool bad = ferror(file) != 0;
    (void)fclose(file); /* was only read */
    if (!text)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    if (bad || n > bytes_max) {
        free(text);
        return moon_fail(error, MOON_ECONF, "%s:1: %s", path,
                         bad ? "it cannot be read" : "it is too large");
    }
    *text_r = (struct moon_span){text, n};
    return MOON_OK;
}

/* Is `path` the file in use, or does it stand beside it? */
static bool is_file(const struct moon_sources *sources, const char *path)
{
    if (!sources->file)
        return false;
    const char *slash = strrchr(sources->file, '/');
    size_t folder = slash ? (size_t)(slash - sources->file) + 1 : 0;
    return !strcmp(path, sources->file) ||
           (!strncmp(path, sources->file, folder) && !strncmp(path + folder, "lists/", 6));
}

/* *owned_r: to be freed after use, or NULL. */
static enum moon_status text_of(const struct moon_sources *sources, const char *kind,
                                const char *path, size_t bytes_max, struct moon_span *text_r,
                                char **owned_r, struct moon_error *error)
{
    char key[MOON_SNAPSHOT_KEY_MAX], near[MOON_LIST_NAME_MAX + 1] = "";
    *owned_r = NULL;
    if (is_built_in(path)) {
        (void)snprintf(key, sizeof key, "policies/%.100s.lua", path + 9);
        for (const struct moon_embedded *e = moon_embedded; e->name; e++) {
            if (!strcmp(e->name, key)) {
                *text_r = moon_span_of(e->text);
                return MOON_OK;
            }
        }
        return moon_fail(error, MOON_ECONF, "%s: there is no such policy", path);
    }
    if (is_file(sources, path)) {
        enum moon_status status = read_file(path, bytes_max, text_r, error);
        *owned_r = status == MOON_OK ? (char *)(uintptr_t)text_r->p : NULL;
        return status;
    }
    int n = snprintf(key, sizeof key, "%s/%s", kind, path);
    if (!sources->snapshot || n < 0 || (size_t)n >= sizeof key ||
        !moon_snapshot_get(sources->snapshot, (struct moon_span){key, (size_t)n}, text_r)) {
        bool any = !strcmp(kind, "list") && moon_list_name_nearest(sources->snapshot, path, near);
        return moon_fail(error, MOON_ECONF, "there is no file %s%s%s%s", path,
                         any ? "; did you mean '" : "", near, any ? "'?" : "");
    }
    if (text_r->n > bytes_max)
        return moon_fail(error, MOON_ECONF, "%s:1: it is too large", path);
    return MOON_OK;
}

enum moon_status moon_sources_text(const struct moon_sources *sources, const char *path,
                                   struct moon_span *text_r, char **owned_r,
                                   struct moon_error *error)
{
    return text_of(sources, "policy", path, MOON_SOURCE_BYTES_MAX, text_r, owned_r, error);
}

static enum moon_status fill_policy(const struct moon_sources *sources,
                                    struct policy_source *source)
{
    struct moon_span text;
    char *owned = NULL;
    enum moon_status status = text_of(sources, source->kind, source->path, MOON_SOURCE_BYTES_MAX,
                                      &text, &owned, &source->error);
    if (status == MOON_OK) {
        struct moon_limits limits = sources->limits;
        if (is_built_in(source->path))
            limits.ms = BUILT_IN_MS;
        status = moon_code_compile(&limits, text, source->path, &source->code, &source->error);
        /* The program's own are checked by its tests. */
        if (status == MOON_OK && !strcmp(source->kind, "profile") && !is_built_in(source->path))
            status = moon_profile_check(&limits, text, source->path, source->dated, &source->error);
    }
    free(owned);
    return status;
}

static enum moon_status find_code(struct moon_sources *sources, const char *kind, const char *path,
                                  struct policy_source **source_r, struct moon_error *error)
{
    struct policy_source *source = NULL;
    *source_r = NULL;
    for (size_t i = 0; i < sources->policy_count && !source; i++)
        if (!strcmp(sources->policies[i]->path, path) && !strcmp(sources->policies[i]->kind, kind))
            source = sources->policies[i];
    if (!source) {
        if (sources->policy_count >= KEPT_MAX) /* a policy may be running, with lists of these */
            return moon_fail(error, MOON_EBUDGET, "more than %u sources", KEPT_MAX);
        source = calloc(1, sizeof *source);
        if (source) {
            source->path = strdup(path);
            source->kind = kind;
        }
        if (!source || !source->path) {
            drop_policy(source);
            return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
        }
        source->status = fill_policy(sources, source);
        if (source->status == MOON_ENOMEM) {
            drop_policy(source);
            return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
        }
        sources->policies[sources->policy_count++] = source;
        sources->policy_bytes += sizeof *source + source->code.n;
    }
    *source_r = source;
    return source->status == MOON_OK ? MOON_OK
                                     : moon_fail(error, source->status, "%s", source->error.text);
}

/* Compiled already, in the snapshot. */
static bool code_of(struct moon_sources *sources, const char *path, struct moon_span *code_r)
{
    if (!sources->snapshot || is_file(sources, path))
        return false;
    if (!sources->code_known) {
        sources->code_known = true;
        sources->code_usable = moon_code_usable(sources->snapshot);
    }
    return sources->code_usable && moon_code_get(sources->snapshot, path, code_r);
}

enum moon_status moon_sources_policy(struct moon_sources *sources, const char *path,
                                     struct moon_span *code_r, struct moon_error *error)
{
    struct policy_source *source;
    if (code_of(sources, path, code_r))
        return MOON_OK;
    enum moon_status status = find_code(sources, "policy", path, &source, error);
    *code_r = source ? source->code : (struct moon_span){NULL, 0};
    return status;
}

/* --- profiles ----------------------------------------------------------------------------------
 */

/* The path of the site's own file, or of the program's. False: there is neither. */
static bool profile_path(const struct moon_sources *sources, const char *name, char *path_r,
                         size_t size)
{
    char key[120];
    struct moon_span text;
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !moon_is_digit(name[i]) && name[i] != '-')
            return false;
    if (n == 0 || n > 40)
        return false;
    (void)snprintf(key, sizeof key, "profile/profiles/%s.lua", name); /* 40 bytes fit */
    if (sources->snapshot && moon_snapshot_get(sources->snapshot, moon_span_of(key), &text))
        return (size_t)snprintf(path_r, size, "profiles/%s.lua", name) < size;
    (void)snprintf(key, sizeof key, "policies/profiles/%s.lua", name); /* the same */
    for (const struct moon_embedded *e = moon_embedded; e->name; e++)
        if (!strcmp(e->name, key))
            return (size_t)snprintf(path_r, size, "built-in:profiles/%s", name) < size;
    return false;
}

static enum moon_status no_profile(const char *name, struct moon_error *error)
{
    static const char *const known[] = {"google", "microsoft", "yahoo"};
    struct moon_nearest nearest = {0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        moon_nearest_offer(&nearest, moon_span_of(name), known[i]);
    return moon_fail(error, MOON_ECONF, "there is no such profile%s%s%s",
                     nearest.best ? "; did you mean '"
                                  : ": google, microsoft and yahoo come along, "
                                    "others are the site's profiles/NAME.lua",
                     nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

enum moon_status moon_sources_profile(struct moon_sources *sources, const char *name,
                                      struct moon_span *code_r, const char **path_r,
                                      struct moon_error *error)
{
    struct policy_source *source;
    char path[120];
    *code_r = (struct moon_span){NULL, 0};
    if (!strcmp(name, MOON_PROFILE_PROVIDERS) || !strcmp(name, MOON_PROFILE_RULES) ||
        !profile_path(sources, name, path, sizeof path))
        return no_profile(name, error);
    enum moon_status status = find_code(sources, "profile", path, &source, error);
    if (source) {
        *code_r = source->code;
        *path_r = source->path;
    }
    return status;
}

static enum moon_status read_providers(struct moon_sources *sources, struct moon_error *error)
{
    struct moon_limits limits = sources->limits;
    struct moon_span text;
    char path[120], *owned;
    if (!profile_path(sources, MOON_PROFILE_PROVIDERS, path, sizeof path))
        return moon_fail(error, MOON_ECONF, "there is no table of providers");
    if (is_built_in(path))
        limits.ms = BUILT_IN_MS;
    enum moon_status status =
        text_of(sources, "profile", path, MOON_LIST_BYTES_MAX, &text, &owned, error);
    if (status == MOON_OK) {
        /* Messages may show the path as long as the table lives. */
        const char *kept = moon_arena_cstr(sources->provider_arena, path);
        status = kept ? moon_providers_parse(sources->provider_arena, &limits, text, kept,
                                             &sources->providers, error)
                      : MOON_ENOMEM;
        free(owned);
    }
    return status;
}

enum moon_status moon_sources_providers(struct moon_sources *sources,
                                        const struct moon_providers **providers_r,
                                        struct moon_error *error)
{
    *providers_r = NULL;
    if (!sources->provider_arena) {
        sources->provider_arena = moon_arena_create(MOON_LIST_MEMORY_MAX);
        if (!sources->provider_arena)
            return moon_fail(error, MOON_ENOMEM, "providers: no memory");
        sources->providers_status = read_providers(sources, &sources->providers_error);
        if (sources->providers_status == MOON_ENOMEM) /* may pass: not to be remembered */
            moon_arena_destroy(&sources->provider_arena);
    }
    *providers_r = sources->providers;
    return sources->providers_status == MOON_OK
               ? MOON_OK
               : moon_fail(error, sources->providers_status, "%s", sources->providers_error.text);
}

/* The date of the program's own file, "" when there is none: the first in its text, which a test
 * holds to be the file's. */
static void program_date(const char *name, char date_r[11])
{
    static const char before[] = "dated = \"";
    char key[120];
    date_r[0] = '\0';
    (void)snprintf(key, sizeof key, "policies/profiles/%.40s.lua",
                   name); /* a name that was found */
    for (const struct moon_embedded *e = moon_embedded; e->name; e++) {
        const char *at = !strcmp(e->name, key) ? strstr(e->text, before) : NULL;
        if (at)
            (void)snprintf(date_r, 11, "%.10s", at + sizeof before - 1);
    }
}

enum moon_status moon_sources_profile_dates(struct moon_sources *sources, const char *name,
                                            struct moon_profile_dates *dates_r,
                                            struct moon_error *error)
{
    const struct moon_providers *providers;
    struct policy_source *source;
    char path[120];
    enum moon_status status;
    *dates_r = (struct moon_profile_dates){"", ""};
    if (!strcmp(name, MOON_PROFILE_PROVIDERS)) {
        status = moon_sources_providers(sources, &providers, error);
        if (status == MOON_OK)
            (void)snprintf(dates_r->site, sizeof dates_r->site, "%s",
                           moon_providers_dated(providers));
    } else if (!profile_path(sources, name, path, sizeof path)) {
        return no_profile(name, error);
    } else {
        status = find_code(sources, "profile", path, &source, error);
        if (status == MOON_OK)
            (void)memcpy(dates_r->site, source->dated, sizeof source->dated);
    }
    program_date(name, dates_r->program);
    return status;
}

/* --- lists -------------------------------------------------------------------------------------
 */

static enum moon_status fill_list(const struct moon_sources *sources, struct list_source *source,
                                  const char *name)
{
    struct moon_span text;
    char *owned = NULL;
    if (sources->snapshot && !is_file(sources, source->path))
        source->list = moon_list_packed(source->arena, sources->snapshot, name, source->path);
    if (source->list)
        return MOON_OK;
    enum moon_status status =
        text_of(sources, "list", source->path, MOON_LIST_BYTES_MAX, &text, &owned, &source->error);
    if (status == MOON_OK)
        status = moon_list_parse(source->arena, &sources->limits, text, name, source->path,
                                 &source->list, &source->error);
    free(owned);
    return status;
}

enum moon_status moon_sources_list(struct moon_sources *sources, const char *path, const char *name,
                                   const struct moon_list **list_r, struct moon_error *error)
{
    struct list_source *source = NULL;
    *list_r = NULL;
    for (size_t i = 0; i < sources->list_count && !source; i++)
        if (!strcmp(sources->lists[i]->path, path))
            source = sources->lists[i];
    if (!source) {
        if (sources->list_count >= KEPT_MAX)
            return moon_fail(error, MOON_EBUDGET, "more than %u lists", KEPT_MAX);
        if (sources->list_bytes >= LISTS_BYTES)
            return moon_fail(error, MOON_EBUDGET, "the lists need more than %u bytes", LISTS_BYTES);
        source = calloc(1, sizeof *source);
        if (source) {
            source->path = strdup(path);
            source->arena = moon_arena_create(MOON_LIST_MEMORY_MAX);
        }
        if (!source || !source->path || !source->arena) {
            drop_list(source);
            return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
        }
        source->status = fill_list(sources, source, name);
        if (source->status == MOON_ENOMEM) { /* may pass: not to be remembered */
            drop_list(source);
            return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
        }
        if (source->status != MOON_OK) /* nothing of it is needed but what is wrong */
            moon_arena_destroy(&source->arena);
        else
            sources->list_bytes += moon_arena_used_bytes(source->arena);
        sources->lists[sources->list_count++] = source;
    }
    *list_r = source->list;
    return source->status == MOON_OK ? MOON_OK
                                     : moon_fail(error, source->status, "%s", source->error.text);
}
