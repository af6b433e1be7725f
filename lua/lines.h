/* SPDX-License-Identifier: MIT
 *
 * lines: at which line of a source a key of a table constructor stands, because Lua forgets it.
 */
#ifndef MOON_LUA_LINES_H
#define MOON_LUA_LINES_H

#include "engine/base/buf.h"

/* `path` names keys and places of items from the outermost table on: "dns.timeout_ms", "3.dkim".
 * The last table of the source that has it counts. The nearest enclosing key that is found counts
 * when the path itself is not; 1 when nothing is. */
int moon_lines_find(struct moon_span source, const char *path);
/* The lines of the items of the outermost table, all at once: lines_r[0] is that of item 1. The
 * last such table of the source that has an item counts; 0 for one that none has. */
void moon_lines_items(struct moon_span source, int *lines_r, size_t count);

#endif
