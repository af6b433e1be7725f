/* SPDX-License-Identifier: MIT
 *
 * nearest: edit distance (optimal string alignment) with three rows of a fixed size.
 */
#include "engine/base/nearest.h"

#include <string.h>

#define WORD_MAX 63u /* no name of ours is longer; also the bound of the work */

unsigned moon_nearest_distance(struct moon_span a, struct moon_span b)
{
    unsigned rows[3][WORD_MAX + 1];

    if (a.n > WORD_MAX || b.n > WORD_MAX)
        return WORD_MAX + 1;
    for (unsigned k = 0; k <= b.n; k++)
        rows[0][k] = k;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned k = 1; k <= b.n; k++) {
            char x = moon_lower(a.p[i - 1]), y = moon_lower(b.p[k - 1]);
            unsigned best = before[k - 1] + (x != y);
            best = before[k] + 1 < best ? before[k] + 1 : best;
            best = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
            if (i > 1 && k > 1 && x == moon_lower(b.p[k - 2]) && y == moon_lower(a.p[i - 2]) &&
                earlier[k - 2] + 1 < best)
                best = earlier[k - 2] + 1;
            now[k] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

/* Is the shorter word, of three letters at least, the beginning or the end of the longer one? */
static bool is_part(struct moon_span a, struct moon_span b)
{
    struct moon_span shorter = a.n < b.n ? a : b, longer = a.n < b.n ? b : a;
    return shorter.n >= 3 &&
           (moon_span_eq_nocase(moon_span_sub(longer, 0, shorter.n), shorter) ||
            moon_span_eq_nocase(moon_span_sub(longer, longer.n - shorter.n, shorter.n), shorter));
}

void moon_nearest_offer(struct moon_nearest *nearest, struct moon_span word, const char *candidate)
{
    struct moon_span other = moon_span_of(candidate);
    unsigned distance = moon_nearest_distance(word, other);
    size_t longer = word.n > other.n ? word.n : other.n;

    if ((distance > WORD_MAX || distance > (longer + 2) / 3) && !is_part(word, other))
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
