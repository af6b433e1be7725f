/* SPDX-License-Identifier: MIT
 *
 * budget: the monotonic clock and deadlines on it.
 */
#include "engine/base/budget.h"

#include <time.h>

int64_t moon_clock_us(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t moon_clock_ms(void)
{
    return moon_clock_us() / 1000;
}

struct moon_budget moon_budget_of(int64_t ms)
{
    return (struct moon_budget){moon_clock_ms() + ms};
}

int64_t moon_budget_left_ms(const struct moon_budget *budget)
{
    int64_t left = budget->deadline_ms - moon_clock_ms();
    return left > 0 ? left : 0;
}

bool moon_budget_spent(const struct moon_budget *budget)
{
    return moon_budget_left_ms(budget) == 0;
}
