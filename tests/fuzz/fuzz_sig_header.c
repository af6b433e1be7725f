/* SPDX-License-Identifier: MIT
 *
 * fuzz_sig_header: any text as the value of a signature field. What the parser accepts must keep
 * its promises.
 *
 * Parser: engine/auth/sig.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/sig.h"
#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void discard(void *context, const char *p, size_t n)
{
    size_t *sum = context;
    for (size_t i = 0; i < n; i++) /* touches every byte */
        *sum += (unsigned char)p[i];
}

static void check(const struct moon_sig *sig)
{
    if (!sig->reason || (sig->result != MOON_RESULT_NONE) != (*sig->reason != '\0'))
        abort();
    if (sig->result != MOON_RESULT_NONE)
        return;
    if (!sig->domain || !sig->key_name || strlen(sig->key_name) > MOON_DOMAIN_MAX ||
        !sig->identity || !sig->identity_domain || !sig->signature_start || !sig->algorithm_text ||
        !moon_domain_within(sig->identity_domain, sig->domain))
        abort();
    if (sig->body_hash.n != 32 || sig->signature.n == 0 || sig->name_count == 0 ||
        sig->name_count > MOON_SIG_NAMES_MAX || sig->body_length < -1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(8u << 20);
    struct moon_str str;
    struct moon_field field;
    struct moon_sig sig;
    struct moon_span text;
    bool is_field = false;
    size_t sum = 0;

    if (!arena)
        return 0;
    moon_str_begin(&str, arena);
    moon_str_add(&str, "DKIM-Signature:");
    moon_str_add_span(&str, (struct moon_span){(const char *)data, size});
    size_t n = str.length;
    const char *raw = moon_str_end(&str);
    if (raw && moon_field_parse(arena, (struct moon_span){raw, n}, &field, &is_field) == MOON_OK &&
        is_field && moon_sig_parse(arena, &field, 1700000000, &sig) == MOON_OK) {
        check(&sig);
        if (moon_sig_unsigned_text(arena, &sig, &text)) {
            moon_sig_canon_field(MOON_SIG_CANON_RELAXED, text, discard, &sum);
            moon_sig_canon_field(MOON_SIG_CANON_SIMPLE, text, discard, &sum);
        }
    }
    moon_arena_destroy(&arena);
    return 0;
}
