/* SPDX-License-Identifier: MIT
 *
 * gather: the configuration directory:
 *
 *   moonscan.lua            settings
 *   tenants.map             "domain: tenant" lines
 *   tenants.lua             modes, settings and shared policies of tenants
 *   site.lua                the site's policy, with lists/NAME.lua
 *   profiles/NAME.lua       a profile, or the table of providers, in place of the program's
 *   tenants/NAME.lua        a tenant's policy, with tenants/lists/NAME.lua
 *   tenants/NAME/policy.lua the same in a folder of its own, with tenants/NAME/lists/NAME.lua
 *   policies/NAME.lua       a policy that tenants share, or policies/NAME/policy.lua
 *   next/                   the next version of any policy or list above, at the same path
 *
 * Files that may not exist are skipped; whatever exists is read and must be right.
 */
#include "engine/cmd/gather.h"

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
#include "engine/cmd/follow.h"
#include "engine/cmd/gather_parts.h"
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

void moon_gather_warn(struct moon_gather *gather, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(gather, &gather->warnings, &gather->warning_count, format, args);
    va_end(args);
    gather->warning_total++;
}

void moon_gather_note(struct moon_gather *gather, const char *format, ...)
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
    static const char *const known[] = {"moonscan.lua", "site.lua", "tenants.lua", "tenants.map",
                                        "tenants",      "policies", "lists",       "next",
                                        "fixtures",     "profiles"};
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
        moon_gather_note(gather, "%s/%s is not read; is %s meant?", gather->config_dir, name,
                         nearest.best);
}

void moon_gather_add(struct moon_gather *gather, const char *kind, const char *name,
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
bool moon_gather_text(struct moon_gather *gather, const char *path, size_t bytes_max,
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

void moon_gather_drop(struct moon_span *text)
{
    free((void *)(uintptr_t)text->p);
    *text = (struct moon_span){NULL, 0};
}

static void read_settings(struct moon_gather *gather)
{
    struct moon_span text;
    struct moon_config config;
    char name[4200];
    if (!moon_gather_text(gather, "moonscan.lua", MOON_SOURCE_BYTES_MAX, &text))
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
        moon_gather_add(gather, "conf", config.values[i].key->name,
                        moon_span_of(config.values[i].value));
        moon_gather_add(gather, "from", config.values[i].key->name, moon_span_of(from));
        gather->setting_count++;
    }
    moon_gather_drop(&text);
}

static void read_map(struct moon_gather *gather)
{
    struct moon_span text;
    char name[4200];
    if (!moon_gather_text(gather, "tenants.map", MOON_TENANTS_BYTES_MAX, &text))
        return;
    (void)snprintf(name, sizeof name, "%s/tenants.map", gather->config_dir);
    moon_gather_map(gather, name, text);
    moon_gather_drop(&text);
}

/* --- policies and lists ------------------------------------------------------------------------
 */

/* Adds a source; `path` must live in the arena or longer. */
bool moon_gather_source(struct moon_gather *gather, const char *kind, const char *path,
                        size_t bytes_max)
{
    struct moon_span text;
    if (!moon_gather_text(gather, path, bytes_max, &text))
        return false;
    moon_gather_add(gather, kind, path, text);
    moon_gather_drop(&text);
    return true;
}

/* Calls `each` for every entry of config_dir/path in sorted order; a missing folder is fine. */
void moon_gather_each(struct moon_gather *gather, const char *path,
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
struct moon_span moon_gather_stem(const char *name)
{
    struct moon_span whole = moon_span_of(name);
    if (whole.n > 4 && moon_span_is(moon_span_sub(whole, whole.n - 4, 4), ".lua"))
        return moon_span_sub(whole, 0, whole.n - 4);
    return (struct moon_span){NULL, 0};
}

void moon_gather_list(struct moon_gather *gather, const char *path, const char *name)
{
    if (!moon_gather_stem(name).n)
        return; /* editors leave copies behind */
    const char *whole = moon_arena_printf(gather->arena, "%s/%s", path, name);
    if (!whole)
        gather->no_memory = true;
    else if (moon_gather_source(gather, "list", whole, MOON_LIST_BYTES_MAX))
        gather->list_count++;
}

enum moon_status moon_gather_read(struct moon_gather *gather)
{
    struct stat st;
    if (stat(gather->config_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        moon_gather_complain(gather, "%s: there is no such folder", gather->config_dir);
        return gather->no_memory ? MOON_ENOMEM : MOON_OK;
    }
    read_settings(gather);
    moon_gather_conf_read(gather);
    moon_gather_folders(gather);
    read_map(gather);
    if (moon_gather_source(gather, "policy", "site.lua", MOON_SOURCE_BYTES_MAX)) {
        gather->site = "site.lua";
        moon_gather_add(gather, "site", "", MOON_SPAN("site.lua"));
        gather->policy_count++;
    }
    moon_gather_each(gather, "lists", moon_gather_list);
    moon_gather_fixtures(gather, "fixtures");
    moon_gather_profiles(gather);
    moon_gather_each(gather, ".", note_unread);
    moon_gather_next(gather);
    moon_gather_tenants_add(gather);
    moon_gather_modes(gather);
    moon_gather_drop(&gather->tenants_text);
    return gather->no_memory ? MOON_ENOMEM : MOON_OK;
}
