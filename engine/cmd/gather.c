/* SPDX-License-Identifier: MIT
 *
 * gather: the configuration directory:
 *
 *   moonscan.lua            settings
 *   tenants.map             "domain: tenant" lines
 *   site.lua                the site's policy, with lists/NAME.lua
 *   tenants/NAME.lua        a tenant's policy, with tenants/lists/NAME.lua
 *   tenants/NAME/policy.lua the same in a folder of its own, with tenants/NAME/lists/NAME.lua
 *
 * Files that may not exist are skipped; whatever exists is read and must be right.
 */
#include "engine/cmd/gather.h"
#include "engine/cmd/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/domain.h"
#include "lua/config.h"

#define ERRORS_MAX 100u /* nobody reads more at once */

static void keep(struct moon_gather *gather, const char ***texts, size_t *count, const char *format,
                 va_list args)
{
    char text[700];
    if (*count >= ERRORS_MAX)
        return;
    (void)vsnprintf(text, sizeof text, format, args); /* cut: a message for people */
    for (char *c = text; *c; c++)                     /* names of files may hold anything */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    const char **larger = moon_arena_append(gather->arena, *texts, *count, sizeof **texts);
    const char *copy = larger ? moon_arena_cstr(gather->arena, text) : NULL;
    if (!copy) {
        gather->no_memory = true;
        return;
    }
    *texts = larger;
    larger[(*count)++] = copy;
}

void moon_gather_complain(struct moon_gather *gather, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(gather, &gather->errors, &gather->error_count, format, args);
    va_end(args);
}

__attribute__((format(printf, 2, 3))) static void note(struct moon_gather *gather,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(gather, &gather->notes, &gather->note_count, format, args);
    va_end(args);
}

/* --- notes: no mistakes, but perhaps not what was meant ------------------------------------------
 */

static void note_unread(struct moon_gather *gather, const char *path, const char *name)
{
    static const char *const known[] = {"moonscan.lua", "site.lua", "tenants.map", "tenants",
                                        "lists"};
    struct moon_nearest nearest = {0};
    struct moon_span file = moon_span_of(name);
    (void)path; /* the configuration folder itself */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (moon_span_is(file, known[i]))
            return;
        moon_nearest_offer(&nearest, file, known[i]);
    }
    if (file.n && file.p[file.n - 1] == '~')
        return; /* editors leave copies behind */
    if (nearest.best)
        note(gather, "%s/%s is not read; is %s meant?", gather->config_dir, name, nearest.best);
}

/* Tenants of the map without a policy; the first few by name. */
static void note_tenants(struct moon_gather *gather)
{
    const char *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < gather->tenant_known; i++) {
        if (*gather->tenant_paths[i])
            continue;
        first = first ? first : gather->tenants[i];
        count++;
    }
    if (count == 1)
        note(gather,
             "tenant '%s' has no policy (tenants/%s.lua); the site's or the built-in decides",
             first, first);
    else if (count)
        note(gather,
             "%zu tenants have no policy ('%s' is the first); the site's or the built-in decides",
             count, first);
}

static void add(struct moon_gather *gather, const char *kind, const char *name,
                struct moon_span value)
{
    struct moon_error error = {""};
    const char *key = moon_arena_printf(gather->arena, "%s%s%s", kind, *name ? "/" : "", name);
    if (!key) {
        gather->no_memory = true;
        return;
    }
    if (moon_snapshot_writer_add(gather->writer, moon_span_of(key), value, &error) != MOON_OK)
        moon_gather_complain(gather, "%s/%s: %s", gather->config_dir, name, error.text);
}

/* The text of config_dir/path on the heap. False when there is no such file, or after a complaint.
 */
static bool read_text(struct moon_gather *gather, const char *path, size_t bytes_max,
                      struct moon_span *text_r)
{
    char whole[4096];
    struct stat st;
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", gather->config_dir, path) >= sizeof whole)
        return false;
    const char *why = NULL;
    int fd = moon_follow_open(gather->config_dir, path, &why);
    if (fd < 0) {
        if (why)
            moon_gather_complain(gather, "%s: %s", whole, why);
        return false;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > bytes_max) {
        moon_gather_complain(gather, "%s: a file of at most %zu bytes is wanted", whole, bytes_max);
        (void)close(fd); /* was only read */
        return false;
    }
    size_t n = 0;
    char *text = malloc((size_t)st.st_size + 1);
    while (text && n < (size_t)st.st_size) {
        ssize_t got = read(fd, text + n, (size_t)st.st_size - n);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd); /* was only read */
    if (!text)
        gather->no_memory = true;
    *text_r = (struct moon_span){text, n};
    return text != NULL;
}

static void drop_text(struct moon_span *text)
{
    free((void *)(uintptr_t)text->p);
    *text = (struct moon_span){NULL, 0};
}

static void read_settings(struct moon_gather *gather)
{
    struct moon_span text;
    struct moon_config config;
    char name[4200];
    if (!read_text(gather, "moonscan.lua", MOON_SOURCE_BYTES_MAX, &text))
        return;
    (void)snprintf(name, sizeof name, "%s/moonscan.lua", gather->config_dir);
    if (moon_config_parse(gather->arena, text, name, &config) != MOON_OK)
        gather->no_memory = true;
    else
        for (size_t i = 0; i < config.error_count; i++)
            moon_gather_complain(gather, "%s", config.errors[i]);
    for (size_t i = 0; !gather->no_memory && i < config.value_count; i++) {
        char from[64];
        (void)snprintf(from, sizeof from, "moonscan.lua:%d", config.values[i].line);
        add(gather, "conf", config.values[i].key->name, moon_span_of(config.values[i].value));
        add(gather, "from", config.values[i].key->name, moon_span_of(from));
        gather->setting_count++;
    }
    drop_text(&text);
}

/* Lower-case letters, digits, '.', '-', '_', not starting with a sign: the name is used in paths.
 */
static bool is_tenant_name(struct moon_span name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || moon_is_digit(c);
        if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return name.n > 0 && name.n <= 64 && !moon_span_is(name, "lists");
}

/* Notes a tenant; a path is given by its policy file. */
static void note_tenant(struct moon_gather *gather, struct moon_span name, const char *path)
{
    for (size_t i = 0; i < gather->tenant_known; i++) {
        if (!moon_span_is(name, gather->tenants[i]))
            continue;
        if (path && *gather->tenant_paths[i])
            moon_gather_complain(gather, "%s/%s: tenant '%s' has another policy in %s; remove one",
                                 gather->config_dir, path, gather->tenants[i],
                                 gather->tenant_paths[i]);
        else if (path)
            gather->tenant_paths[i] = path;
        return;
    }
    size_t n = gather->tenant_known;
    const char **names = moon_arena_append(gather->arena, gather->tenants, n, sizeof *names);
    const char **paths = moon_arena_append(gather->arena, gather->tenant_paths, n, sizeof *paths);
    const char *copy = names && paths ? moon_arena_dup(gather->arena, name) : NULL;
    if (!copy) {
        gather->no_memory = true;
        return;
    }
    gather->tenants = names;
    gather->tenant_paths = paths;
    names[n] = copy;
    paths[n] = path ? path : "";
    gather->tenant_known++;
}

/* --- tenants.map -------------------------------------------------------------------------------
 */

struct map_line {
    struct moon_span domain, tenant;
    unsigned number;
    const char *key; /* of the snapshot */
};

struct map_lines {
    struct map_line *line;
    size_t count;
};

static void add_map_line(struct moon_gather *gather, const char *path, struct map_lines *all,
                         const struct map_line *line)
{
    const char *domain = moon_domain_normalize(gather->arena, line->domain);
    int shown = (int)(line->domain.n < 100 ? line->domain.n : 100);
    if (!domain || !strchr(domain, '.')) {
        moon_gather_complain(gather, "%s:%u: '%.*s' is no domain", path, line->number, shown,
                             line->domain.p);
    } else if (!is_tenant_name(line->tenant)) {
        moon_gather_complain(gather,
                             "%s:%u: '%.*s' cannot be a tenant's name: use lower-case letters, "
                             "digits, '-', '_' and '.'",
                             path, line->number, (int)(line->tenant.n < 100 ? line->tenant.n : 100),
                             line->tenant.p ? line->tenant.p : "");
    } else {
        struct map_line *larger =
            moon_arena_append(gather->arena, all->line, all->count, sizeof *all->line);
        const char *key = moon_arena_printf(gather->arena, "domain/%s", domain);
        if (!larger || !key) {
            gather->no_memory = true;
            return;
        }
        all->line = larger;
        all->line[all->count] = *line;
        all->line[all->count++].key = key;
    }
}

static int by_domain(const void *a, const void *b)
{
    const struct map_line *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Into the snapshot; a domain can be one tenant's only. */
static void add_domains(struct moon_gather *gather, const char *path, struct map_lines *all)
{
    struct moon_error error = {""};
    if (all->count)
        qsort(all->line, all->count, sizeof *all->line, by_domain);
    for (size_t i = 0, first = 0; i < all->count; i++) {
        const struct map_line *line = &all->line[i];
        if (i > 0 && !strcmp(line->key, all->line[first].key)) {
            moon_gather_complain(gather, "%s:%u: %s stands in line %u already; remove one", path,
                                 line->number, line->key + strlen("domain/"),
                                 all->line[first].number);
            continue;
        }
        first = i;
        if (moon_snapshot_writer_add(gather->writer, moon_span_of(line->key), line->tenant,
                                     &error) != MOON_OK)
            moon_gather_complain(gather, "%s:%u: %s", path, line->number, error.text);
        gather->domain_count++;
    }
}

void moon_gather_map(struct moon_gather *gather, const char *path, struct moon_span text)
{
    struct moon_buf buf = moon_buf_of(text);
    struct moon_span last = {NULL, 0};
    struct map_lines all = {NULL, 0};
    for (unsigned number = 1; !moon_buf_at_end(&buf) && !gather->no_memory; number++) {
        struct moon_span line = moon_buf_until(&buf, '\n');
        bool indented = line.n && moon_is_wsp(line.p[0]);
        (void)moon_buf_skip(&buf, '\n'); /* the last line has none */
        line = moon_span_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (indented) {
            moon_gather_complain(gather, "%s:%u: a line starts with its domain, not with space",
                                 path, number);
            continue;
        }
        struct moon_buf parts = moon_buf_of(line);
        struct map_line parsed = {.number = number};
        parsed.domain = moon_span_trim(moon_buf_until(&parts, ':'));
        if (!moon_buf_skip(&parts, ':')) {
            moon_gather_complain(gather, "%s:%u: a line is like: acme.example: acme", path, number);
            continue;
        }
        parsed.tenant = moon_span_trim((struct moon_span){parts.p, parts.left});
        add_map_line(gather, path, &all, &parsed);
        /* Neighbours mostly name the same tenant: one search for each run of them. */
        if (is_tenant_name(parsed.tenant) && !moon_span_eq(parsed.tenant, last))
            note_tenant(gather, parsed.tenant, NULL);
        last = parsed.tenant;
    }
    if (!gather->no_memory)
        add_domains(gather, path, &all);
}

static void read_map(struct moon_gather *gather)
{
    struct moon_span text;
    char name[4200];
    if (!read_text(gather, "tenants.map", MOON_TENANTS_BYTES_MAX, &text))
        return;
    (void)snprintf(name, sizeof name, "%s/tenants.map", gather->config_dir);
    moon_gather_map(gather, name, text);
    drop_text(&text);
}

/* --- policies and lists ------------------------------------------------------------------------
 */

/* Adds a source; `path` must live in the arena or longer. */
static bool add_source(struct moon_gather *gather, const char *kind, const char *path,
                       size_t bytes_max)
{
    struct moon_span text;
    if (!read_text(gather, path, bytes_max, &text))
        return false;
    add(gather, kind, path, text);
    drop_text(&text);
    return true;
}

/* Calls `each` for every entry of config_dir/path in sorted order; a missing folder is fine. */
static void each_entry(struct moon_gather *gather, const char *path,
                       void (*each)(struct moon_gather *gather, const char *path, const char *name))
{
    char whole[4096];
    struct dirent **entries = NULL;
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", gather->config_dir, path) >= sizeof whole)
        return;
    int count = scandir(whole, &entries, NULL, alphasort);
    if (count < 0 && errno != ENOENT)
        moon_gather_complain(gather, "%s: %s", whole, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && !gather->no_memory)
            each(gather, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* "acme" of "acme.lua"; empty when it is none. */
static struct moon_span stem_of(const char *name)
{
    struct moon_span whole = moon_span_of(name);
    if (whole.n > 4 && moon_span_is(moon_span_sub(whole, whole.n - 4, 4), ".lua"))
        return moon_span_sub(whole, 0, whole.n - 4);
    return (struct moon_span){NULL, 0};
}

static void add_list(struct moon_gather *gather, const char *path, const char *name)
{
    if (!stem_of(name).n)
        return; /* editors leave copies behind */
    const char *whole = moon_arena_printf(gather->arena, "%s/%s", path, name);
    if (!whole)
        gather->no_memory = true;
    else if (add_source(gather, "list", whole, MOON_LIST_BYTES_MAX))
        gather->list_count++;
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
    if (add_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX)) {
        gather->policy_count++;
        note_tenant(gather, moon_span_of(name), path);
    } else if (gather->error_count == errors) {
        moon_gather_complain(gather, "%s/%s: there is no such file; a tenant's folder has one",
                             gather->config_dir, path);
    }
    (void)snprintf(lists, sizeof lists, "tenants/%.64s/lists", name);
    each_entry(gather, lists, add_list);
}

static void add_tenant(struct moon_gather *gather, const char *folder, const char *name)
{
    char whole[4096];
    struct stat st;
    struct moon_span stem = stem_of(name);
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
    if (!is_tenant_name(tenant)) {
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
    } else if (add_source(gather, "policy", path, MOON_SOURCE_BYTES_MAX)) {
        gather->policy_count++;
        note_tenant(gather, tenant, path);
    }
}

enum moon_status moon_gather_read(struct moon_gather *gather)
{
    struct stat st;
    if (stat(gather->config_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        moon_gather_complain(gather, "%s: there is no such folder", gather->config_dir);
        return gather->no_memory ? MOON_ENOMEM : MOON_OK;
    }
    read_settings(gather);
    each_entry(gather, "tenants", add_tenant);
    read_map(gather);
    if (add_source(gather, "policy", "site.lua", MOON_SOURCE_BYTES_MAX)) {
        add(gather, "site", "", MOON_SPAN("site.lua"));
        gather->policy_count++;
    }
    each_entry(gather, "lists", add_list);
    each_entry(gather, "tenants/lists", add_list);
    for (size_t i = 0; i < gather->tenant_known; i++)
        add(gather, "tenant", gather->tenants[i], moon_span_of(gather->tenant_paths[i]));
    gather->tenant_count = gather->tenant_known;
    each_entry(gather, ".", note_unread);
    note_tenants(gather);
    return gather->no_memory ? MOON_ENOMEM : MOON_OK;
}
