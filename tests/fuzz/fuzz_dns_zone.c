/* SPDX-License-Identifier: MIT
 *
 * fuzz: a zone text, and questions to the zone it gives. A text that is refused is refused with a
 * reason; a zone answers everything.
 *
 * Parser: engine/dns/zone_parse.c
 * Parser: engine/dns/zone.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void ask(struct moon_arena *arena, struct moon_dns_backend *backend)
{
    static const char *const names[] = {"a", "b", "x.example", "example", "y.x.example", "*.a"};
    static const enum moon_dns_type types[] = {MOON_DNS_TYPE_A,   MOON_DNS_TYPE_CNAME,
                                               MOON_DNS_TYPE_MX,  MOON_DNS_TYPE_PTR,
                                               MOON_DNS_TYPE_TXT, MOON_DNS_TYPE_AAAA};
    struct moon_dns *dns = moon_dns_begin(arena, backend, 10000, 0);
    if (!dns)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            const struct moon_dns_answer *answer = moon_dns_wait(dns, names[i], types[k]);
            require(answer->state != MOON_DNS_STATE_PENDING);
            require((answer->state == MOON_DNS_STATE_FOUND) == (answer->count > 0));
        }
    moon_dns_end(&dns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error = {""};
    struct moon_arena *arena = moon_arena_create(8 << 20);
    struct moon_span text = {(const char *)data, size};
    if (!arena)
        return 0;
    if (moon_dns_backend_zone(text, "fuzz", &backend, &error) == MOON_OK)
        ask(arena, backend);
    else
        require(strncmp(error.text, "fuzz:", 5) == 0 && !backend);
    moon_dns_backend_destroy(&backend);
    moon_arena_destroy(&arena);
    return 0;
}
