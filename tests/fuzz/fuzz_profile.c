/* SPDX-License-Identifier: MIT
 *
 * Fuzz target of the data files that a site may bring: whatever profiles/providers.lua and a
 * profile hold, the answer is a table that can be searched, or a mistake with its place.
 *
 * Parser: lua/data.c
 * Parser: lua/providers.c
 * Parser: lua/profile_check.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua/profiles.h"
#include "lua/providers.h"

static void search(const struct moon_providers *providers)
{
    static const char *const hosts[] = {"a.b.example", "mail.google.com", "example", NULL};
    struct moon_dkim_sig sig = {.result = MOON_RESULT_PASS, .domain = "a.example"};
    struct moon_arc_set set = {.domain = "b.example"};
    struct moon_results results = {
        .spf = {.result = MOON_RESULT_PASS, .domain = "c.example"},
        .dkim = {.result = MOON_RESULT_PASS, .sigs = &sig, .count = 1},
        .arc = {.result = MOON_RESULT_PASS, .verified = true, .sets = &set, .set_count = 1}};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct moon_message msg = {.session = {.host_name = hosts[i]}};
        struct moon_provider_found found = {.name = NULL};
        (void)moon_ip_parse(i % 2 ? MOON_SPAN("192.0.2.7") : MOON_SPAN("2001:db8::7"),
                            &msg.session.ip); /* constants */
        if (moon_providers_find(providers, &msg, &results, &found) &&
            (!found.name || !*found.name || !*found.evidence ||
             !*moon_provider_kind_name(found.kind)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Tight limits: a fuzzer likes endless loops. */
    static const struct moon_limits limits = {20000, 1 << 20, 1000};
    struct moon_span source = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(4 << 20);
    const struct moon_providers *providers;
    struct moon_error error = {""};
    char dated[11];

    if (!arena)
        return 0;
    if (moon_providers_parse(arena, &limits, source, "providers.lua", &providers, &error) ==
        MOON_OK)
        search(providers);
    else if (!*error.text || providers)
        abort();
    error.text[0] = '\0';
    if (moon_profile_check(&limits, source, "profiles/p.lua", dated, &error) != MOON_OK &&
        !*error.text)
        abort();
    moon_arena_destroy(&arena);
    return 0;
}
