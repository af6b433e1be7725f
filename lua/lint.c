/* SPDX-License-Identifier: MIT
 *
 * lint: see the header. Procedure: (1) the source as tokens; (2) which bracket or block ends where,
 * which names are assigned to anywhere, what the file returns; (3) three walks: the first two find
 * out with what local functions are called, the last one tells.
 */
#include "lua/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/lint_walk.h"
#include "lua/sandbox.h"

#define FINDINGS_MAX 20u                  /* of one file; more are seldom read */
#define WORK_BYTES   (16u * 1024 * 1024u) /* a source of the greatest length in tokens, twice */

static bool add_name(struct moon_arena *arena, const char ***names, size_t *count, const char *name)
{
    const char **larger = moon_arena_append(arena, *names, *count, sizeof **names);
    char *copy = larger ? moon_arena_cstr(arena, name) : NULL;
    if (!copy)
        return false;
    larger[(*count)++] = copy;
    *names = larger;
    return true;
}

/* Names of the table at the top. [-0, +0] */
static bool add_names(lua_State *L, struct moon_arena *arena, const char ***names, size_t *count)
{
    bool good = true;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING)
            good = good && add_name(arena, names, count, lua_tostring(L, -1));
    }
    return good;
}

static int gather_globals(lua_State *L)
{
    struct moon_lint *lint = moon_sandbox_context(L);
    moon_library_open(L);
    bool good = add_names(L, lint->arena, &lint->globals, &lint->global_count);
    (void)lua_getfield(L, -1, "string");
    good = good && add_names(L, lint->arena, &lint->text_functions, &lint->text_function_count) &&
           add_name(lint->arena, &lint->globals, &lint->global_count, "require");
    return good ? 0 : luaL_error(L, "no memory");
}

struct moon_lint *moon_lint_create(void)
{
    static const struct moon_limits limits = {1000000, 8 << 20, 10000};
    struct moon_error error = {""};
    struct moon_lint *lint = calloc(1, sizeof *lint);
    struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
    if (lint)
        lint->arena = moon_arena_create(4 << 20);
    bool good = lint && lint->arena && sandbox &&
                moon_api_load(lint->arena, moon_api_text(), &lint->api) &&
                moon_sandbox_run(sandbox, gather_globals, lint, &error) == MOON_OK;
    moon_sandbox_destroy(&sandbox);
    if (!good)
        moon_lint_destroy(&lint);
    return lint;
}

void moon_lint_destroy(struct moon_lint **lint)
{
    if (!*lint)
        return;
    moon_arena_destroy(&(*lint)->arena);
    free(*lint);
    *lint = NULL;
}

void moon_walk_tell(struct moon_walk *w, size_t i, const char *format, ...)
{
    char text[400];
    va_list args;
    if (!w->report || w->confused || w->findings.count >= FINDINGS_MAX)
        return;
    w->told++;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut: a message for people */
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    const char *whole =
        moon_arena_printf(w->out, "%s:%d: %s", w->path, moon_walk_token(w, i)->line, text);
    for (size_t k = 0; whole && k < w->findings.count; k++)
        if (!strcmp(w->findings.texts[k], whole))
            return;
    const char **larger =
        whole ? moon_arena_append(w->out, w->findings.texts, w->findings.count, sizeof *larger)
              : NULL;
    if (!larger) {
        w->no_memory = true;
        return;
    }
    larger[w->findings.count++] = whole;
    w->findings.texts = larger;
}

/* Step 3. */
static void walk_thrice(struct moon_walk *w)
{
    for (int turn = 0; turn < 3 && !w->confused && !w->no_memory; turn++) {
        w->report = turn == 2;
        w->depth = w->variable_count = 0;
        w->known = w->helpers;
        w->known_count = w->helper_count;
        w->helper_count = 0;
        w->helpers = moon_arena_array(w->arena, MOON_LINT_HELPERS_MAX, sizeof *w->helpers);
        if (w->helpers)
            moon_walk_run(w);
        else
            w->no_memory = true;
    }
}

enum moon_status moon_lint_run(const struct moon_lint *lint, struct moon_arena *arena,
                               struct moon_span source, const char *path,
                               struct moon_findings *findings_r)
{
    struct moon_walk *w = NULL;
    bool no_memory = true;

    *findings_r = (struct moon_findings){NULL, 0};
    if (source.n > MOON_SOURCE_BYTES_MAX)
        return MOON_OK;
    struct moon_arena *work = moon_arena_create(WORK_BYTES);
    w = work ? moon_arena_alloc(work, sizeof *w) : NULL;
    if (w) {
        w->lint = lint;
        w->arena = work;
        w->out = arena;
        w->path = path;
        moon_walk_prepare(w, source);
        walk_thrice(w);
        if (!w->confused)
            *findings_r = w->findings;
        no_memory = w->no_memory;
    }
    moon_arena_destroy(&work);
    return no_memory ? MOON_ENOMEM : MOON_OK;
}
