/* SPDX-License-Identifier: MIT
 *
 * sources: the cache of compiled policies and parsed lists. Bytecode is made by lua_dump here and
 * goes nowhere but into lua_load of the same process: bytecode from outside is never loaded.
 */
#include "lua/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/embedded.h"

#define KEPT_MAX    500u  /* of each kind; a worker meets few tenants */
#define BUILT_IN_MS 10000 /* our own text compiles, however slow the host is */

struct policy_source {
    char *path;
    char *code;
    size_t size;
    enum moon_status status;
    struct moon_error error;
    struct moon_span text; /* while it is compiled */
    bool no_memory;
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
    size_t policy_count, list_count;
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
        free(source->code);
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
}

void moon_sources_destroy(struct moon_sources **sources)
{
    if (!*sources)
        return;
    drop_all(*sources);
    free((*sources)->policies);
    free((*sources)->lists);
    free(*sources);
    *sources = NULL;
}

void moon_sources_use_files(struct moon_sources *sources, const char *path)
{
    sources->file = path;
}

void moon_sources_trim(struct moon_sources *sources)
{
    /* A decision adds three policies and the lists they ask for. */
    if (sources->policy_count > KEPT_MAX - 4 || sources->list_count > KEPT_MAX / 2)
        drop_all(sources);
}

bool moon_sources_list_path(const char *policy, const char *name, char *path_r, size_t size)
{
    const char *slash = strrchr(policy, '/');
    int folder = slash ? (int)(slash - policy) + 1 : 0;
    size_t n = strlen(name);
    if (n == 0 || n > 64 || !strncmp(policy, "built-in:", 9))
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
    char key[MOON_SNAPSHOT_KEY_MAX];
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
        !moon_snapshot_get(sources->snapshot, (struct moon_span){key, (size_t)n}, text_r))
        return moon_fail(error, MOON_ECONF, "there is no file %s", path);
    if (text_r->n > bytes_max)
        return moon_fail(error, MOON_ECONF, "%s:1: it is too large", path);
    return MOON_OK;
}

static int add_code(lua_State *L, const void *bytes, size_t size, void *ud)
{
    struct policy_source *source = ud;
    (void)L; /* the buffer is ours, on the heap */
    char *larger = realloc(source->code, source->size + size);
    if (!larger) {
        source->no_memory = true;
        return 1;
    }
    memcpy(larger + source->size, bytes, size);
    source->code = larger;
    source->size += size;
    return 0;
}

static int compile(lua_State *L)
{
    struct policy_source *source = moon_sandbox_context(L);
    lua_newtable(L);
    moon_sandbox_load(L, source->text, source->path);
    return lua_dump(L, add_code, source, 0) ? moon_sandbox_raise(L, "no memory") : 0;
}

static enum moon_status fill_policy(const struct moon_sources *sources,
                                    struct policy_source *source)
{
    char *owned = NULL;
    enum moon_status status = text_of(sources, "policy", source->path, MOON_SOURCE_BYTES_MAX,
                                      &source->text, &owned, &source->error);
    if (status == MOON_OK) {
        struct moon_limits limits = sources->limits;
        if (is_built_in(source->path))
            limits.ms = BUILT_IN_MS;
        struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
        status = sandbox ? moon_sandbox_run(sandbox, compile, source, &source->error) : MOON_ENOMEM;
        moon_sandbox_destroy(&sandbox);
    }
    free(owned);
    return source->no_memory ? MOON_ENOMEM : status;
}

enum moon_status moon_sources_policy(struct moon_sources *sources, const char *path,
                                     struct moon_span *code_r, struct moon_error *error)
{
    struct policy_source *source = NULL;
    for (size_t i = 0; i < sources->policy_count && !source; i++)
        if (!strcmp(sources->policies[i]->path, path))
            source = sources->policies[i];
    if (!source) {
        if (sources->policy_count >= KEPT_MAX)
            drop_all(sources);
        source = calloc(1, sizeof *source);
        if (source)
            source->path = strdup(path);
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
    }
    *code_r = (struct moon_span){source->code, source->size};
    return source->status == MOON_OK ? MOON_OK
                                     : moon_fail(error, source->status, "%s", source->error.text);
}

static enum moon_status fill_list(const struct moon_sources *sources, struct list_source *source,
                                  const char *name)
{
    struct moon_span text;
    char *owned = NULL;
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
        sources->lists[sources->list_count++] = source;
    }
    *list_r = source->list;
    return source->status == MOON_OK ? MOON_OK
                                     : moon_fail(error, source->status, "%s", source->error.text);
}
