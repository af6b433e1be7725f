/* SPDX-License-Identifier: MIT
 *
 * code: see the header. lua_dump's output is kept whole, with names and lines, so that messages are
 * the same from code and from text; but for the rules of profiles.
 */
#include "lua/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/profiles.h"

#define STAMP_TEXT "local a <const>, b = 1, 0.5 return function(x) return x .. 'stamp' .. a + b end"
#define STAMP_MS   10000 /* our own text compiles, however slow the host is */

struct compiling {
    struct moon_span text;
    const char *name;
    char *code;
    size_t size;
    bool no_memory;
};

static int add_code(lua_State *L, const void *bytes, size_t size, void *ud)
{
    struct compiling *c = ud;
    (void)L; /* the buffer is ours, on the heap */
    char *larger = realloc(c->code, c->size + size);
    if (!larger) {
        c->no_memory = true;
        return 1;
    }
    memcpy(larger + c->size, bytes, size);
    c->code = larger;
    c->size += size;
    return 0;
}

static int compile(lua_State *L)
{
    struct compiling *c = moon_sandbox_context(L);
    lua_newtable(L);
    moon_sandbox_load(L, c->text, c->name);
    /* The rules of profiles run with every message of policies that use one: half their size are
     * lines, which would hide the line of the policy in a message. */
    int strip = !strcmp(c->name, MOON_RULES_PATH);
    return lua_dump(L, add_code, c, strip) ? moon_sandbox_raise(L, "no memory") : 0;
}

enum moon_status moon_code_compile(const struct moon_limits *limits, struct moon_span text,
                                   const char *name, struct moon_span *code_r,
                                   struct moon_error *error)
{
    struct compiling c = {.text = text, .name = name};
    struct moon_sandbox *sandbox = moon_sandbox_create(limits);
    enum moon_status status = sandbox ? moon_sandbox_run(sandbox, compile, &c, error) : MOON_ENOMEM;
    moon_sandbox_destroy(&sandbox);
    *code_r = (struct moon_span){c.code, c.size};
    return c.no_memory ? MOON_ENOMEM : status;
}

/* Eight bytes at a time: it is done for each decision. */
static uint64_t checksum(struct moon_span code)
{
    uint64_t sum = 14695981039346656037u ^ code.n, word = 0;
    for (size_t i = 0; i < code.n; i += sizeof word) {
        size_t n = code.n - i < sizeof word ? code.n - i : sizeof word;
        word = 0;
        memcpy(&word, code.p + i, n);
        sum = (sum ^ word) * 1099511628211u;
        sum ^= sum >> 32;
    }
    return sum;
}

/* The stamp's code on the heap. */
static struct moon_span compile_stamp(void)
{
    static const struct moon_limits limits = {MOON_POLICY_INSTRUCTIONS, MOON_POLICY_BYTES,
                                              STAMP_MS};
    struct moon_error error = {""};
    struct moon_span code;
    if (moon_code_compile(&limits, MOON_SPAN(STAMP_TEXT), LUA_RELEASE, &code, &error) != MOON_OK) {
        free((void *)(uintptr_t)code.p);
        code = (struct moon_span){NULL, 0};
    }
    return code;
}

bool moon_code_usable(const struct moon_snapshot *snapshot)
{
    struct moon_span stamp;
    if (!snapshot || !moon_snapshot_trusted(snapshot) ||
        !moon_snapshot_get(snapshot, MOON_SPAN("code-stamp"), &stamp))
        return false;
    struct moon_span now = compile_stamp();
    bool same = now.n && moon_span_eq(now, stamp);
    free((void *)(uintptr_t)now.p);
    return same;
}

bool moon_code_get(const struct moon_snapshot *snapshot, const char *path, struct moon_span *code_r)
{
    char key[MOON_SNAPSHOT_KEY_MAX];
    struct moon_span record;
    int n = snprintf(key, sizeof key, "code/%s", path);
    if (n < 0 || (size_t)n >= sizeof key ||
        !moon_snapshot_get(snapshot, (struct moon_span){key, (size_t)n}, &record))
        return false;
    struct moon_buf buf = moon_buf_of(record);
    uint64_t sum = moon_buf_u64(&buf);
    *code_r = (struct moon_span){buf.p, buf.left};
    return !buf.failed && code_r->n > 0 && checksum(*code_r) == sum;
}

struct moon_span moon_code_record(struct moon_arena *arena, struct moon_span code)
{
    uint64_t sum = checksum(code);
    char *record = moon_arena_alloc(arena, code.n + sizeof sum);
    if (!record)
        return (struct moon_span){NULL, 0};
    for (unsigned i = 0; i < sizeof sum; i++)
        record[i] = (char)(unsigned char)(sum >> (56 - 8 * i));
    memcpy(record + sizeof sum, code.p, code.n);
    return (struct moon_span){record, code.n + sizeof sum};
}

struct moon_span moon_code_stamp(struct moon_arena *arena)
{
    struct moon_span code = compile_stamp();
    const char *copy = code.n ? moon_arena_dup(arena, code) : NULL;
    size_t n = copy ? code.n : 0;
    free((void *)(uintptr_t)code.p);
    return (struct moon_span){copy, n};
}
