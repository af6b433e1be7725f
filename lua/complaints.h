/* SPDX-License-Identifier: MIT
 *
 * complaints: the mistakes of one configuration file, each with its line, in the order of the
 * lines. Used while the file's table is walked, where Lua may raise: nothing here raises, and what
 * is noted lives in the arena.
 */
#ifndef MOON_LUA_COMPLAINTS_H
#define MOON_LUA_COMPLAINTS_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

#define MOON_COMPLAINTS_MAX                                                                        \
    50u /* nobody reads more at once; finding a line reads the whole file                          \
         */

struct moon_complaint {
    int line;
    const char *text; /* "name:line: what", without control characters */
};

/* Set `arena`, `source` and `name` (the file's, for messages), zero the rest. */
struct moon_complaints {
    struct moon_arena *arena;
    struct moon_span source;
    const char *name;
    struct moon_complaint list[MOON_COMPLAINTS_MAX];
    size_t count;
    bool no_memory; /* a mistake could not be noted; also for the file's reader to set */
};

/* Notes a mistake at `path` (as moon_lines_find() takes it). Past MOON_COMPLAINTS_MAX nothing. */
void moon_complaints_add(struct moon_complaints *complaints, const char *path, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));
/* The file as a whole failed with this text (it names its line itself): the only complaint then. */
void moon_complaints_only(struct moon_complaints *complaints, const char *text);
/* The texts, sorted: Lua's order of keys differs from run to run. MOON_ENOMEM when a mistake or the
 * result found no memory. */
enum moon_status moon_complaints_end(struct moon_complaints *complaints, const char ***errors_r,
                                     size_t *count_r);

#endif
