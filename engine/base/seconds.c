/* SPDX-License-Identifier: MIT
 *
 * seconds: see the header.
 */
#include "engine/base/seconds.h"

int64_t moon_seconds_of(struct moon_span text)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t number;

    for (size_t i = 0; text.n && i < sizeof units / sizeof units[0]; i++)
        if (text.p[text.n - 1] == units[i].unit &&
            moon_span_number(moon_span_sub(text, 0, text.n - 1), 1000000, &number))
            return (int64_t)number * units[i].seconds;
    return -1;
}
