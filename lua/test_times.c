/* SPDX-License-Identifier: MIT
 *
 * test_times: points and spans of time as people write them into tests.
 */
#include <time.h>

#include "lua/tests.h"

bool moon_test_span(struct moon_span text, int64_t *seconds_r)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t number;

    if (text.n < 2 || !moon_span_number(moon_span_sub(text, 0, text.n - 1), 1000000, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text.p[text.n - 1] == units[i].unit) {
            *seconds_r = (int64_t)number * units[i].seconds;
            return true;
        }
    }
    return false;
}

bool moon_test_time(struct moon_span text, int64_t *seconds_r)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    int number[6] = {0}, at = 0;
    if (text.n != 10 && text.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (form[i] != '0' && text.p[i] == form[i])
            at++;
        else if (form[i] == '0' && moon_is_digit(text.p[i]))
            number[at] = 10 * number[at] + (text.p[i] - '0');
        else
            return false;
    }
    struct tm tm = {.tm_year = number[0] - 1900,
                    .tm_mon = number[1] - 1,
                    .tm_mday = number[2],
                    .tm_hour = number[3],
                    .tm_min = number[4],
                    .tm_sec = number[5]};
    time_t seconds = timegm(&tm); /* makes a 31st of February the 3rd of March */
    *seconds_r = (int64_t)seconds;
    return seconds >= 0 && tm.tm_mon == number[1] - 1 && tm.tm_mday == number[2] &&
           tm.tm_hour == number[3] && tm.tm_min == number[4] && tm.tm_sec == number[5];
}
