/* SPDX-License-Identifier: MIT
 *
 * spf_case: one SPF check against a zone file, for tests/conformance/spf_suite.py.
 *
 *   spf_case ZONEFILE
 *
 * Reads cases from standard input, one a line: ip, helo, MAIL FROM, separated by TABs. For each one
 * line: result, explanation, matched term, terms counted, void answers, reason, separated by TABs.
 * MAIL FROM "-" alone asks for the HELO identity.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth/spf.h"
#include "engine/base/limits.h"

#define LINE_BYTES 65536

static char zone_text[1 << 20];

static struct moon_dns_backend *open_zone(const char *path)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error = {{0}};
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return NULL;
    }
    struct moon_span text = {zone_text, fread(zone_text, 1, sizeof zone_text, file)};
    (void)fclose(file); /* was only read */
    if (moon_dns_backend_zone(text, path, &backend, &error) != MOON_OK)
        (void)fprintf(stderr, "%s\n", error.text); /* nothing to do when that fails */
    return backend;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool run_case(struct moon_dns_backend *backend, const struct moon_spf_query *query,
                     bool helo)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns *dns = arena ? moon_dns_begin(arena, backend, MOON_DNS_MS, 1000) : NULL;
    struct moon_spf spf;
    bool ok = false;

    if (dns) {
        enum moon_status status = helo ? moon_spf_check_helo(arena, dns, query, &spf)
                                       : moon_spf_check_mail_from(arena, dns, query, &spf);
        ok = status == MOON_OK;
        if (ok)
            printf("%s\t%s\t%s\t%u\t%u\t%s\n", moon_result_name(spf.result),
                   or_empty(spf.explanation), or_empty(spf.matched), spf.lookups, spf.voids,
                   or_empty(spf.reason));
        else
            printf("status: %s\n", moon_status_name(status));
        moon_dns_end(&dns);
    }
    moon_arena_destroy(&arena);
    return ok;
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES];
    bool ok = true;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: spf_case ZONEFILE < cases\n"); /* the exit code says it too */
        return 2;
    }
    moon_bug_is_fatal = true;
    struct moon_dns_backend *backend = open_zone(argv[1]);
    if (!backend)
        return 2;
    while (fgets(line, sizeof line, stdin)) {
        struct moon_spf_query query = {.receiver = "receiver.example", .now_s = 1000000000};
        line[strcspn(line, "\n")] = '\0';
        char *helo = strchr(line, '\t');
        char *from = helo ? strchr(helo + 1, '\t') : NULL;
        if (!from)
            continue;
        *helo++ = '\0';
        *from++ = '\0';
        (void)moon_ip_parse(moon_span_of(line), &query.ip); /* no address is a case, too */
        query.helo = helo;
        query.mail_from = from;
        ok = run_case(backend, &query, strcmp(from, "-") == 0) && ok;
        (void)fflush(stdout); /* the reader waits for the line */
    }
    moon_dns_backend_destroy(&backend);
    return ok ? 0 : 1;
}
