/* SPDX-License-Identifier: MIT
 *
 * entries: in the child a line for each entry: list, line, expires and name, between tabs; "." at
 * the end. In the parent these lines, as text of somebody else's. No name of a list or entry has a
 * control byte: lists are refused that have.
 */
#include "engine/cmd/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/confined.h"
#include "lua/list.h"

#define READ_MS          ((int64_t)60 * 1000)
#define OUTPUT_BYTES_MAX ((size_t)64 * 1024 * 1024) /* 500,000 entries */
#define MEMORY_ROOM      ((size_t)1024 * 1024 * 1024)

struct reading {
    const struct moon_snapshot *snapshot;
    char *said; /* of the parent */
    size_t said_bytes;
    bool no_memory;
};

static int write_entries(void *context, FILE *out)
{
    const struct reading *r = context;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_policies *policies = NULL;
    struct moon_span key, value;
    struct moon_conf conf;
    struct moon_error error = {""};

    enum moon_status status =
        arena ? moon_conf_load(arena, r->snapshot, &conf, &error) : MOON_ENOMEM;
    if (status == MOON_OK)
        status = moon_policies_create(&conf, r->snapshot, &policies, &error);
    for (size_t i = 0; status == MOON_OK && moon_snapshot_each(r->snapshot, i, &key, &value); i++) {
        const struct moon_list *list;
        char path[MOON_SNAPSHOT_KEY_MAX];
        if (!moon_span_is(moon_span_sub(key, 0, 5), "list/") || key.n - 5 >= sizeof path)
            continue;
        memcpy(path, key.p + 5, key.n - 5);
        path[key.n - 5] = '\0';
        if (moon_policies_list(policies, path, &list, &error) != MOON_OK)
            continue; /* published with another version, and wrong for this one */
        for (size_t k = 0; k < list->count; k++)
            (void)fprintf(out, "%s\t%d\t%s\t%s\n", path, list->entries[k].line,
                          list->entries[k].expires ? list->entries[k].expires : "",
                          list->entries[k].name); /* checked when it is flushed */
    }
    (void)fputs(".\n", out); /* likewise */
    moon_policies_destroy(&policies);
    moon_arena_destroy(&arena);
    return status == MOON_OK ? MOON_EXIT_OK : MOON_EXIT_FAILURE;
}

static void take(void *context, struct moon_span bytes)
{
    struct reading *r = context;
    char *larger = realloc(r->said, r->said_bytes + bytes.n + 1);
    if (!larger) {
        r->no_memory = true;
        return;
    }
    memcpy(larger + r->said_bytes, bytes.p, bytes.n);
    r->said = larger;
    r->said_bytes += bytes.n;
}

/* What stands before the next tab; the tab is skipped. NULL without memory. */
static const char *take_word(struct moon_arena *arena, struct moon_buf *line)
{
    struct moon_span word = moon_buf_until(line, '\t');
    (void)moon_buf_skip(line, '\t'); /* behind the last there is none */
    return moon_arena_dup(arena, word);
}

static enum moon_status read_lines(struct moon_arena *arena, const struct reading *r,
                                   struct moon_entry **entries_r, size_t *count_r,
                                   struct moon_error *error)
{
    struct moon_buf buf = moon_buf_of((struct moon_span){r->said, r->said_bytes});

    while (!moon_buf_at_end(&buf)) {
        struct moon_span text = moon_buf_until(&buf, '\n');
        (void)moon_buf_skip(&buf, '\n'); /* a line that was cut has none */
        if (moon_span_is(text, "."))
            return MOON_OK;
        struct moon_buf line = moon_buf_of(text);
        struct moon_entry entry = {.list = take_word(arena, &line)};
        const char *number = take_word(arena, &line);
        uint64_t value = 0;
        entry.expires = take_word(arena, &line);
        entry.name = take_word(arena, &line);
        struct moon_entry *larger =
            moon_arena_append(arena, *entries_r, *count_r, sizeof **entries_r);
        if (!entry.list || !number || !entry.expires || !entry.name || !larger)
            return MOON_ENOMEM;
        if (moon_span_number(moon_span_of(number), 10000000, &value))
            entry.line = (unsigned)value;
        *entries_r = larger;
        larger[(*count_r)++] = entry;
    }
    return moon_fail(error, MOON_EIO, "the lists in force were not read to their end");
}

enum moon_status moon_entries_read(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                   struct moon_entry **entries_r, size_t *count_r,
                                   struct moon_error *error)
{
    struct reading r = {.snapshot = snapshot};
    const struct moon_confined confined = {.body = write_entries,
                                           .take = take,
                                           .context = &r,
                                           .ms = READ_MS,
                                           .output_max = OUTPUT_BYTES_MAX,
                                           .memory_room = MEMORY_ROOM};
    int code = MOON_EXIT_FAILURE;

    *entries_r = NULL;
    *count_r = 0;
    enum moon_status status = moon_confined_run(&confined, &code, error);
    if (status == MOON_OK && (code != MOON_EXIT_OK || r.no_memory))
        status = MOON_ENOMEM;
    if (status == MOON_OK)
        status = read_lines(arena, &r, entries_r, count_r, error);
    free(r.said);
    return status;
}
