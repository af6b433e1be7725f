/* SPDX-License-Identifier: MIT
 *
 * fuzz_dkim_message: a zone, a line "%%", and a message, through the gate into libopendkim. The
 * results must keep the promises of results.h; pass and fail must be so for the signature core as
 * well.
 *
 * Parser: engine/auth/dkim.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/dkim.h"
#include "engine/auth/sig_hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Splits at the first line "%%". */
static struct moon_span split(struct moon_span all, struct moon_span *message_r)
{
    for (size_t i = 0; i + 4 <= all.n; i++)
        if (memcmp(all.p + i, "\n%%\n", 4) == 0) {
            *message_r = moon_span_sub(all, i + 4, all.n);
            return moon_span_sub(all, 0, i + 1);
        }
    *message_r = all;
    return (struct moon_span){NULL, 0};
}

/* The second opinion on a pass. */
static bool core_passes(struct moon_arena *arena, struct moon_dns *dns,
                        const struct moon_message *msg, uint32_t field)
{
    struct moon_sig sig;
    struct moon_sig_key key;
    struct moon_sig_body_hash *hash;
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    const struct moon_sig_fields *fields = moon_sig_fields_of(arena, msg);

    if (!bodies || !fields ||
        moon_sig_parse(arena, &msg->fields[field], msg->received_s, &sig) != MOON_OK ||
        sig.result != MOON_RESULT_NONE)
        return false;
    if (moon_sig_key_of_answer(arena, moon_dns_wait(dns, sig.key_name, MOON_DNS_TYPE_TXT), &key) !=
        MOON_OK)
        return false;
    moon_sig_key_check(&key, &sig);
    if (!moon_sig_bodies_want(bodies, &sig, &hash))
        return false;
    moon_sig_bodies_need(hash);
    if (moon_sig_bodies_make(bodies) != MOON_OK ||
        moon_sig_verify(arena, &sig, &key, fields, hash) != MOON_OK)
        return false;
    return sig.result == MOON_RESULT_PASS;
}

static void run(struct moon_arena *arena, struct moon_dns *dns, struct moon_message *msg)
{
    struct moon_dkim_check *check;
    struct moon_dkim dkim;

    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    if (!bodies || moon_dkim_begin(arena, dns, msg, bodies, &check) != MOON_OK ||
        moon_dkim_finish(check, &dkim) != MOON_OK)
        return; /* no memory */
    if (dkim.count > MOON_SIG_MAX || dkim.found < dkim.count ||
        (dkim.count == 0) != (dkim.result == MOON_RESULT_NONE))
        abort();
    for (size_t i = 0; i < dkim.count; i++) {
        const struct moon_dkim_sig *sig = &dkim.sigs[i];
        if (sig->result == MOON_RESULT_NONE || !sig->reason)
            abort();
        bool pass = sig->result == MOON_RESULT_PASS;
        if ((pass || sig->result == MOON_RESULT_FAIL) &&
            pass != core_passes(arena, dns, msg, sig->field_index))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(32u << 20);
    struct moon_dns_backend *backend = NULL;
    struct moon_error error;
    struct moon_span text, zone = split((struct moon_span){(const char *)data, size}, &text);
    struct moon_message *msg = arena ? moon_arena_alloc(arena, sizeof *msg) : NULL;

    if (msg && moon_message_parse(arena, text, msg, &error) == MOON_OK &&
        moon_dns_backend_zone(zone, "zone", &backend, &error) == MOON_OK) {
        msg->received_s = 1700000000;
        struct moon_dns *dns = moon_dns_begin(arena, backend, 1000, 0);
        if (dns)
            run(arena, dns, msg);
        if (dns)
            moon_dns_end(&dns);
        moon_dns_backend_destroy(&backend);
    }
    moon_arena_destroy(&arena);
    return 0;
}
