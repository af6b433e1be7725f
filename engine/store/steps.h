/* SPDX-License-Identifier: MIT
 *
 * steps: the counters of one window, a number for each step of time. Internal to this room; the
 * rules are those of store.h.
 */
#ifndef MOON_STORE_STEPS_H
#define MOON_STORE_STEPS_H

#include "engine/store/backend.h"

#define MOON_STEPS_BYTES (8 * (1 + MOON_STORE_COUNTERS)) /* packed */

struct moon_steps {
    int64_t newest;                       /* number of the newest step */
    uint64_t counts[MOON_STORE_COUNTERS]; /* [i]: of step newest - i */
};

/* Steps that are too old fall out, and those of a clock that was ahead (more than one step) too. */
void moon_steps_add(struct moon_steps *steps, int64_t step, uint64_t add);
/* The sum of steps step - MOON_STORE_STEPS .. step + 1; at most INT64_MAX. */
int64_t moon_steps_sum(const struct moon_steps *steps, int64_t step);

void moon_steps_pack(const struct moon_steps *steps, unsigned char bytes_r[MOON_STEPS_BYTES]);
/* False: these bytes are none of ours. */
bool moon_steps_unpack(struct moon_span bytes, struct moon_steps *steps_r);

#endif
