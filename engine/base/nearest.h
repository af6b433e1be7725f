/* SPDX-License-Identifier: MIT
 *
 * nearest: the right name for a misspelt one, so that an error can say what was meant.
 */
#ifndef MOON_BASE_NEAREST_H
#define MOON_BASE_NEAREST_H

#include "engine/base/buf.h"

/* Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`, case ignored.
 * Words longer than 63 bytes are as far apart as can be (64). */
unsigned moon_nearest_distance(struct moon_span a, struct moon_span b);

/* Keeps the best of several candidates: start with {0}, offer each, read `best` (NULL: none is
 * near). Near: at most a third of the letters differ, or one word is the beginning or the end of
 * the other. */
struct moon_nearest {
    const char *best;
    unsigned distance;
};
void moon_nearest_offer(struct moon_nearest *nearest, struct moon_span word, const char *candidate);

#endif
