/* SPDX-License-Identifier: MIT
 *
 * budget: the time one message may take. Monotonic clock; one deadline, handed down.
 */
#ifndef MOON_BASE_BUDGET_H
#define MOON_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds / microseconds of the monotonic clock. */
int64_t moon_clock_ms(void);
int64_t moon_clock_us(void);

struct moon_budget {
    int64_t deadline_ms; /* on moon_clock_ms */
};
struct moon_budget moon_budget_of(int64_t ms);
/* Never negative. */
int64_t moon_budget_left_ms(const struct moon_budget *budget);
bool moon_budget_spent(const struct moon_budget *budget);

#endif
