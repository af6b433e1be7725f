/* SPDX-License-Identifier: MIT
 *
 * spf_table: runs SPF checks against the zone of their row.
 */
#include "tests/support/spf_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

static void check(const struct moon_spf_row *row, struct moon_arena *arena, struct moon_dns *dns,
                  struct moon_spf *spf)
{
    struct moon_spf_query query = {.helo = row->helo ? row->helo : "mx.example",
                                   .mail_from = row->mail_from ? row->mail_from : "user@d.example",
                                   .receiver = "receiver.example",
                                   .now_s = 1700000000};

    assert_true(moon_ip_parse(moon_span_of(row->ip ? row->ip : "192.0.2.1"), &query.ip));
    if (strcmp(query.mail_from, "-") == 0)
        assert_int_equal(moon_spf_check_helo(arena, dns, &query, spf), MOON_OK);
    else
        assert_int_equal(moon_spf_check_mail_from(arena, dns, &query, spf), MOON_OK);
}

const char *moon_spf_row_run(const struct moon_spf_row *row)
{
    static char got[2000];
    struct moon_error error = {{0}};
    struct moon_dns_backend *backend = NULL;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_spf spf;

    if (moon_dns_backend_zone(moon_span_of(row->zone), row->what, &backend, &error) != MOON_OK)
        fail_msg("%s", error.text);
    assert_non_null(arena);
    struct moon_dns *dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 1000);
    assert_non_null(dns);
    check(row, arena, dns, &spf);
    (void)snprintf(got, sizeof got, "%s %s %u/%u %u%s%s", moon_result_name(spf.result),
                   spf.matched ? spf.matched : "-", spf.lookups, spf.voids,
                   moon_dns_stats(dns).questions, spf.explanation ? ": " : "",
                   spf.explanation ? spf.explanation : ""); /* cut at worst: then it differs */
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
    return got;
}

void moon_spf_rows_check(const struct moon_spf_row *rows, size_t count)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        const char *got = moon_spf_row_run(&rows[i]);
        if (strcmp(got, rows[i].want) == 0)
            continue;
        print_message("# %s: got \"%s\", want \"%s\"\n", rows[i].what, got, rows[i].want);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
