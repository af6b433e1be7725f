/* SPDX-License-Identifier: MIT
 *
 * complaints: what is wrong with moonscan.lua or tenants.lua, gathered for one message.
 */
#include "lua/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/lines.h"

void moon_complaints_add(struct moon_complaints *complaints, const char *path, const char *format,
                         ...)
{
    char what[500];
    va_list args;

    if (complaints->count >= MOON_COMPLAINTS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args); /* cut: a message for people */
    va_end(args);
    int line = moon_lines_find(complaints->source, path);
    char *text = moon_arena_printf(complaints->arena, "%s:%d: %s", complaints->name, line, what);
    if (!text) {
        complaints->no_memory = true;
        return;
    }
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    complaints->list[complaints->count++] = (struct moon_complaint){line, text};
}

void moon_complaints_only(struct moon_complaints *complaints, const char *text)
{
    complaints->list[0] = (struct moon_complaint){0, moon_arena_cstr(complaints->arena, text)};
    complaints->count = 1;
    if (!complaints->list[0].text)
        complaints->no_memory = true;
}

static int by_line(const void *a, const void *b)
{
    const struct moon_complaint *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : strcmp(x->text, y->text);
}

enum moon_status moon_complaints_end(struct moon_complaints *complaints, const char ***errors_r,
                                     size_t *count_r)
{
    const char **errors =
        moon_arena_array(complaints->arena, complaints->count + 1, sizeof *errors);

    if (complaints->no_memory || !errors)
        return MOON_ENOMEM;
    qsort(complaints->list, complaints->count, sizeof *complaints->list, by_line);
    for (size_t i = 0; i < complaints->count; i++)
        errors[i] = complaints->list[i].text;
    *errors_r = errors;
    *count_r = complaints->count;
    return MOON_OK;
}
