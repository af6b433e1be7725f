/* SPDX-License-Identifier: MIT
 *
 * precompile: two children, one for policies, which compiles texts and runs none, then one for
 * lists, which runs them. In each (1) the snapshot so far, in memory  (2) the stamp, the built-in
 * policies and each text, compiled; or each list, parsed  (3) written as length (u32) and name of a
 * record, length (u32) and bytes of it; an empty name at the end. In the parent (4) these become
 * records.
 */
#include "engine/cmd/precompile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/cmd/cmd.h"
#include "engine/cmd/confined.h"
#include "engine/verdict/policy.h"

#define MEMORY_ROOM    ((size_t)3 * 1024 * 1024 * 1024)
#define BASE_MS        ((int64_t)60 * 1000)
#define EACH_POLICY_MS 50

struct precompile {
    struct moon_gather *gather;
    bool lists; /* else policies */
    char *said; /* of the parent */
    size_t said_bytes, room;
    bool no_memory;
};

/* --- in the child --------------------------------------------------------------------------------
 */

static void put_u32(FILE *out, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        (void)fputc((int)(value >> shift & 0xff), out); /* flushed and checked later */
}

static void put_record(FILE *out, const char *name, struct moon_span record)
{
    put_u32(out, strlen(name));
    (void)fputs(name, out); /* as above */
    put_u32(out, record.n);
    (void)fwrite(record.p, 1, record.n, out); /* as above */
}

static bool put_source(FILE *out, struct moon_policies *policies, bool list, struct moon_span path)
{
    const char *kind = list ? "packed/" : "code/";
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_error error = {""};
    struct moon_span record = {NULL, 0};
    const char *name = arena ? moon_arena_printf(arena, "%s%.*s", kind, (int)path.n, path.p) : NULL;
    const char *source = name ? name + strlen(kind) : NULL;
    enum moon_status status =
        !name  ? MOON_ENOMEM
        : list ? moon_policies_pack_list(policies, arena, source, &record, &error)
               : moon_policies_compile(policies, arena, source, &record, &error);
    bool good = status == MOON_OK;
    if (good)
        put_record(out, name, record);
    moon_arena_destroy(&arena);
    return good;
}

/* Step 2. */
static bool put_all(FILE *out, const struct precompile *p, const struct moon_snapshot *snapshot)
{
    static const char *const built_in[] = {"built-in:standard", "built-in:strict",
                                           "built-in:monitor"};
    struct moon_arena *arena = p->gather->arena;
    struct moon_span key, value, prefix = p->lists ? MOON_SPAN("list/") : MOON_SPAN("policy/");
    struct moon_span stamp = moon_policies_stamp(arena);
    struct moon_policies *policies = NULL;
    struct moon_error error = {""};
    struct moon_conf conf;
    bool good = stamp.n && moon_conf_load(arena, snapshot, &conf, &error) == MOON_OK &&
                moon_policies_create(&conf, snapshot, &policies, &error) == MOON_OK;

    if (good && !p->lists)
        put_record(out, "code-stamp", stamp);
    for (size_t i = 0; good && !p->lists && i < sizeof built_in / sizeof *built_in; i++)
        good = put_source(out, policies, false, moon_span_of(built_in[i]));
    for (size_t i = 0; good && moon_snapshot_each(snapshot, i, &key, &value); i++)
        if (moon_span_eq(moon_span_sub(key, 0, prefix.n), prefix))
            good = put_source(out, policies, p->lists, moon_span_sub(key, prefix.n, key.n));
    moon_policies_destroy(&policies);
    return good;
}

static int compile_all(void *context, FILE *out)
{
    struct precompile *p = context;
    struct moon_snapshot *snapshot = NULL;
    struct moon_span bytes = {NULL, 0};
    struct moon_error error = {""};
    char hash[65];

    bool good = moon_snapshot_writer_bytes(p->gather->writer, hash, &bytes, &error) == MOON_OK &&
                moon_snapshot_of_memory(bytes, &snapshot, &error) == MOON_OK &&
                put_all(out, p, snapshot);
    if (good)
        put_u32(out, 0);
    moon_snapshot_close(&snapshot);
    free((void *)(uintptr_t)bytes.p); /* ours, from the writer */
    return good ? MOON_EXIT_OK : MOON_EXIT_FAILURE;
}

/* --- in the parent -------------------------------------------------------------------------------
 */

static void take(void *context, struct moon_span bytes)
{
    struct precompile *p = context;
    if (bytes.n > p->room - p->said_bytes) {
        size_t room = 2 * (p->said_bytes + bytes.n);
        char *larger = realloc(p->said, room);
        if (!larger) {
            p->no_memory = true;
            return;
        }
        p->said = larger;
        p->room = room;
    }
    memcpy(p->said + p->said_bytes, bytes.p, bytes.n);
    p->said_bytes += bytes.n;
}

/* Step 4, twice: first whether all is there, then for good. */
static bool read_records(const struct precompile *p, bool add)
{
    struct moon_buf buf = moon_buf_of((struct moon_span){p->said, p->said_bytes});
    struct moon_error error = {""};

    for (;;) {
        struct moon_span name = moon_buf_take(&buf, moon_buf_u32(&buf));
        if (buf.failed || name.n == 0)
            return !buf.failed && moon_buf_at_end(&buf);
        struct moon_span record = moon_buf_take(&buf, moon_buf_u32(&buf));
        struct moon_span kind = p->lists ? MOON_SPAN("packed/") : MOON_SPAN("code");
        if (!moon_span_eq(moon_span_sub(name, 0, kind.n), kind))
            return false;
        if (add && moon_snapshot_writer_add(p->gather->writer, name, record, &error) != MOON_OK)
            return false;
    }
}

/* One child, for policies or for lists. */
static enum moon_status run_child(struct moon_gather *gather, bool lists, struct moon_error *error)
{
    struct precompile p = {.gather = gather, .lists = lists};
    const struct moon_confined confined = {
        .body = compile_all,
        .take = take,
        .context = &p,
        .ms = BASE_MS + EACH_POLICY_MS * (int64_t)(gather->policy_count + gather->list_count),
        .output_max = MOON_SNAPSHOT_BYTES_MAX,
        .memory_room = MEMORY_ROOM};
    int code = MOON_EXIT_FAILURE;

    enum moon_status status = moon_confined_run(&confined, &code, error);
    if (status == MOON_OK && (code != MOON_EXIT_OK || p.no_memory))
        status = moon_fail(error, MOON_ENOMEM, "no memory");
    if (status == MOON_OK && !(read_records(&p, false) && read_records(&p, true)))
        status = moon_fail(error, MOON_EIO, "compiling did not come to its end");
    free(p.said);
    return status;
}

enum moon_status moon_precompile_run(struct moon_gather *gather, struct moon_error *error)
{
    enum moon_status status = run_child(gather, false, error);
    return status == MOON_OK && gather->list_count ? run_child(gather, true, error) : status;
}
