/* SPDX-License-Identifier: MIT
 *
 * spf_table: runs SPF checks against the zone of their row.
 */
#include "tests/support/spf_table.h"

#include <stdio.h>
#include <string.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

static enum moon_status check(const struct moon_spf_row *row, struct moon_arena *arena,
                              struct moon_dns *dns, struct moon_spf *spf)
{
    struct moon_spf_query query = {.helo = row->helo ? row->helo : "mx.example",
                                   .mail_from = row->mail_from ? row->mail_from : "user@d.example",
                                   .receiver = "receiver.example",
                                   .now_s = 1700000000};

    if (!moon_ip_parse(moon_span_of(row->ip ? row->ip : "192.0.2.1"), &query.ip))
        return MOON_ECONF;
    return strcmp(query.mail_from, "-") == 0 ? moon_spf_check_helo(arena, dns, &query, spf)
                                             : moon_spf_check_mail_from(arena, dns, &query, spf);
}

static void say(char *got, size_t size, const struct moon_spf *spf, unsigned questions)
{
    (void)snprintf(got, size, "%s %s %u/%u %u%s%s", moon_result_name(spf->result),
                   spf->matched ? spf->matched : "-", spf->lookups, spf->voids, questions,
                   spf->explanation ? ": " : "",
                   spf->explanation ? spf->explanation : ""); /* cut at worst: then it differs */
}

const char *moon_spf_row_run(const struct moon_spf_row *row)
{
    static char got[2000];
    struct moon_error error = {{0}};
    struct moon_dns_backend *backend = NULL;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns *dns = NULL;
    struct moon_spf spf;

    (void)snprintf(got, sizeof got, "the row cannot be run"); /* fits */
    if (moon_dns_backend_zone(moon_span_of(row->zone), row->what, &backend, &error) != MOON_OK)
        (void)snprintf(got, sizeof got, "%s", error.text); /* fits */
    if (backend && arena)
        dns = moon_dns_begin(arena, backend, MOON_DNS_MS, 1000);
    if (dns && check(row, arena, dns, &spf) == MOON_OK)
        say(got, sizeof got, &spf, moon_dns_stats(dns).questions);
    if (dns)
        moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
    return got;
}

size_t moon_spf_rows_wrong(const struct moon_spf_row *rows, size_t count)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        const char *got = moon_spf_row_run(&rows[i]);
        if (strcmp(got, rows[i].want) == 0)
            continue;
        printf("# %s: got \"%s\", want \"%s\"\n", rows[i].what, got, rows[i].want);
        wrong++;
    }
    return wrong;
}
