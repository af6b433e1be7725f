/* SPDX-License-Identifier: MIT
 *
 * steps: see the header.
 */
#include "engine/store/steps.h"

#include <string.h>

/* Makes `step` or the one after it the newest. */
static void move_to(struct moon_steps *steps, int64_t step)
{
    struct moon_steps moved = {.newest = step};

    if (steps->newest >= step && steps->newest <= step + 1)
        return;
    if (steps->newest > step + 1) /* a clock was ahead: what it counted is nobody's time */
        moved.newest = step + 1;
    for (int i = 0; i < MOON_STORE_COUNTERS; i++) {
        int64_t at = moved.newest - (steps->newest - i);
        if (at >= 0 && at < MOON_STORE_COUNTERS)
            moved.counts[at] = steps->counts[i];
    }
    *steps = moved;
}

void moon_steps_add(struct moon_steps *steps, int64_t step, uint64_t add)
{
    move_to(steps, step);
    uint64_t *count = &steps->counts[steps->newest - step]; /* 0 or 1, after move_to */
    *count = *count > UINT64_MAX - add ? UINT64_MAX : *count + add;
}

int64_t moon_steps_sum(const struct moon_steps *steps, int64_t step)
{
    uint64_t sum = 0;

    for (int i = 0; i < MOON_STORE_COUNTERS; i++) {
        int64_t of = steps->newest - i;
        if (of < step - MOON_STORE_STEPS || of > step + 1)
            continue;
        sum = sum > INT64_MAX - steps->counts[i] || steps->counts[i] > INT64_MAX
                  ? INT64_MAX
                  : sum + steps->counts[i];
    }
    return (int64_t)sum;
}

static void put_u64(unsigned char *at, uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        at[i] = (unsigned char)value;
        value >>= 8;
    }
}

void moon_steps_pack(const struct moon_steps *steps, unsigned char bytes_r[MOON_STEPS_BYTES])
{
    put_u64(bytes_r, (uint64_t)steps->newest);
    for (int i = 0; i < MOON_STORE_COUNTERS; i++)
        put_u64(bytes_r + 8 + 8 * (size_t)i, steps->counts[i]);
}

bool moon_steps_unpack(struct moon_span bytes, struct moon_steps *steps_r)
{
    struct moon_buf buf = moon_buf_of(bytes);

    if (bytes.n != MOON_STEPS_BYTES)
        return false;
    uint64_t newest = moon_buf_u64(&buf);
    if (newest > INT64_MAX / 2) /* no clock is there; and no sum below can overflow */
        return false;
    steps_r->newest = (int64_t)newest;
    for (int i = 0; i < MOON_STORE_COUNTERS; i++)
        steps_r->counts[i] = moon_buf_u64(&buf);
    return true;
}
