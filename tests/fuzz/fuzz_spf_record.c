/* SPDX-License-Identifier: MIT
 *
 * fuzz_spf_record: any bytes as an SPF record. What parses must keep its promises: terms lie inside
 * the record, domain-specs are valid, prefix lengths are in range.
 *
 * Parser: engine/auth/spf_record.c
 */
#include <stdlib.h>

#include "engine/auth/spf_macro.h"
#include "engine/auth/spf_record.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_term(const struct moon_spf_term *term, struct moon_span record)
{
    if (term->text.n == 0 || term->text.p < record.p ||
        term->text.p + term->text.n > record.p + record.n)
        abort();
    if (term->domain.n && !moon_spf_macro_valid(term->domain, MOON_SPF_MACRO_DOMAIN))
        abort();
    if (term->bits4 > 32 || term->bits6 > 128)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_span text = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_ip client = {.family = 4, .bytes = {192, 0, 2, 1}};
    struct moon_spf_record record;
    const char *reason;

    if (!arena)
        return 0;
    moon_bug_is_fatal = true;
    if (moon_spf_record_parse(arena, text, &record, &reason) != MOON_OK)
        abort();
    for (size_t i = 0; !reason && i < record.count; i++) {
        check_term(&record.mechanisms[i], text);
        (void)moon_spf_term_has_ip(&record.mechanisms[i], &client); /* must only not crash */
        (void)moon_spf_term_asks_dns(&record.mechanisms[i]);        /* the same */
    }
    if (!reason && record.has_redirect)
        check_term(&record.redirect, text);
    if (!reason && record.has_exp)
        check_term(&record.exp, text);
    moon_arena_destroy(&arena);
    return 0;
}
