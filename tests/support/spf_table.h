/* SPDX-License-Identifier: MIT
 *
 * spf_table: SPF checks as rows of a table, each with its own zone.
 */
#ifndef MOON_TESTS_SPF_TABLE_H
#define MOON_TESTS_SPF_TABLE_H

#include <stddef.h>

struct moon_spf_row {
    const char *what; /* a sentence */
    const char *zone;
    const char *want;      /* as moon_spf_row_run gives it */
    const char *ip;        /* NULL: 192.0.2.1 */
    const char *mail_from; /* NULL: user@d.example; "-": check the HELO identity */
    const char *helo;      /* NULL: mx.example */
};

/* A row; what else it needs follows as .ip = "...". */
#define MOON_SPF_ROW(a_what, a_zone, a_want, ...)                                                  \
    {                                                                                              \
        .what = (a_what), .zone = (a_zone), .want = (a_want), __VA_ARGS__                          \
    }

/* "result matched lookups/voids questions", then ": explanation" if there is one; "-" stands for no
 * matched term. In a static buffer, until the next call. */
const char *moon_spf_row_run(const struct moon_spf_row *row);

/* How many rows do not give the wanted answer; says each on standard output. */
size_t moon_spf_rows_wrong(const struct moon_spf_row *rows, size_t count);

#endif
