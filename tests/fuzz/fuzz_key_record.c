/* SPDX-License-Identifier: MIT
 *
 * fuzz_key_record: any text as a key record. A key that is usable must be so for OpenSSL too, and
 * the record written from it must give the same key.
 *
 * Parser: engine/auth/sig_key.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/sig_pkey.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct moon_arena *arena, const struct moon_sig_key *key)
{
    static const unsigned char digest[MOON_SIG_DIGEST_BYTES];
    static const char signature[256] = "no signature";
    struct moon_sig_key again;
    bool valid;
    bool rsa = key->for_only == MOON_SIG_ALGORITHM_RSA_SHA256;

    if (key->bits < (rsa ? MOON_RSA_BITS_MIN : 256) || key->bits > MOON_RSA_BITS_MAX)
        abort();
    char *record = moon_sig_key_record(arena, key);
    if (!record)
        return;
    if (strlen(record) >= 1024 ||
        moon_sig_key_parse(arena, moon_span_of(record), &again) != MOON_OK ||
        again.result != MOON_RESULT_NONE || again.bits != key->bits ||
        !moon_span_eq(again.public_key, key->public_key))
        abort();
    if (moon_sig_pkey_verify(key, digest, MOON_SPAN(signature), &valid) != MOON_OK || valid)
        abort();
}

/* The input cut at each 0xff: the records of one answer; with every way an answer can end. */
static void check_answer(struct moon_arena *arena, struct moon_span text)
{
    struct moon_dns_record records[8] = {{.text = {NULL, 0}}};
    struct moon_dns_answer answer = {.records = records, .reason = "timeout"};
    struct moon_buf buf = moon_buf_of(text);
    struct moon_sig_key key;

    do
        records[answer.count++].text = moon_buf_until(&buf, '\xff');
    while (moon_buf_skip(&buf, '\xff') && answer.count < 8);
    for (int state = MOON_DNS_STATE_FOUND; state <= MOON_DNS_STATE_TROUBLE; state++) {
        struct moon_sig sig = {.algorithm = MOON_SIG_ALGORITHM_RSA_SHA256,
                               .domain = "d.example",
                               .identity_domain = "sub.d.example"};
        answer.state = (enum moon_dns_state)state;
        answer.refused = text.n % 2;
        if (moon_sig_key_of_answer(arena, &answer, &key) != MOON_OK)
            return;
        if (state != MOON_DNS_STATE_FOUND && key.result == MOON_RESULT_NONE)
            abort();
        moon_sig_key_check(&key, &sig);
        if (sig.result == MOON_RESULT_NONE && (key.result != MOON_RESULT_NONE || key.same_domain))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(8u << 20);
    struct moon_sig_key key;

    if (!arena)
        return 0;
    if (moon_sig_key_parse(arena, (struct moon_span){(const char *)data, size}, &key) == MOON_OK) {
        if (!key.reason || (key.result != MOON_RESULT_NONE) != (*key.reason != '\0'))
            abort();
        if (key.result == MOON_RESULT_NONE)
            check(arena, &key);
    }
    check_answer(arena, (struct moon_span){(const char *)data, size});
    moon_arena_destroy(&arena);
    return 0;
}
