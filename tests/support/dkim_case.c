/* SPDX-License-Identifier: MIT
 *
 * dkim_case: see the header.
 */
#include "tests/support/dkim_case.h"

#include <stdlib.h>
#include <string.h>

#include "engine/auth/dkim.h"
#include "engine/auth/sig_hash.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)moon_bug(__FILE__, __LINE__, what); /* says it */
    abort();
}

char *moon_case_txt(struct moon_arena *arena, const char *name, const char *record)
{
    struct moon_span rest = moon_span_of(record);
    struct moon_str str;

    moon_str_begin(&str, arena);
    moon_str_addf(&str, "%s. TXT", name);
    do {
        struct moon_span part = moon_span_sub(rest, 0, 200);
        rest = moon_span_sub(rest, part.n, rest.n);
        moon_str_add(&str, " \"");
        moon_str_add_span(&str, part);
        moon_str_add(&str, "\"");
    } while (rest.n);
    moon_str_add(&str, "\n");
    return moon_str_end(&str);
}

struct moon_message *moon_case_message(struct moon_arena *arena, const char *text, size_t size)
{
    struct moon_error error;
    struct moon_message *msg = moon_arena_alloc(arena, sizeof *msg);

    if (!msg || moon_message_parse(arena, (struct moon_span){text, size}, msg, &error) != MOON_OK)
        return NULL;
    msg->received_s = MOON_CASE_NOW_S;
    return msg;
}

static struct moon_dns *dns_of(struct moon_arena *arena, const char *zone,
                               struct moon_dns_backend **backend_r)
{
    struct moon_error error;

    must(moon_dns_backend_zone(moon_span_of(zone), "zone", backend_r, &error) == MOON_OK,
         "the zone of a test can be read");
    struct moon_dns *dns = moon_dns_begin(arena, *backend_r, 1000, 0);
    must(dns != NULL, "memory for DNS");
    return dns;
}

struct moon_dkim moon_case_dkim(struct moon_arena *arena, const char *zone, const char *text,
                                size_t size)
{
    struct moon_dns_backend *backend;
    struct moon_dkim_check *check = NULL;
    struct moon_dkim dkim;
    struct moon_message *msg = moon_case_message(arena, text, size);
    struct moon_dns *dns = dns_of(arena, zone, &backend);

    must(msg != NULL, "the message of a test can be read");
    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    must(bodies && moon_dkim_begin(arena, dns, msg, bodies, &check) == MOON_OK, "DKIM begins");
    must(moon_dkim_finish(check, &dkim) == MOON_OK, "DKIM finishes");
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    return dkim;
}

void moon_case_same_dkim(const struct moon_dkim *a, const struct moon_dkim *b)
{
    must(a->count == b->count && a->result == b->result, "both see the same signatures");
    for (size_t i = 0; i < a->count; i++)
        must(a->sigs[i].result == b->sigs[i].result &&
                 strcmp(a->sigs[i].reason, b->sigs[i].reason) == 0,
             "both say the same of a signature");
}

static struct moon_sig_body_hash hash_body(struct moon_arena *arena, const struct moon_message *msg,
                                           const struct moon_sig *sig, size_t chunk)
{
    struct moon_body_iter *iter = moon_arena_alloc(arena, sizeof *iter);
    struct moon_sig_body_hash hash = {.made = true};
    struct moon_sig_digest digest;
    struct moon_sig_body body;
    struct moon_span next = {NULL, 1};

    must(iter != NULL, "memory for the body");
    moon_sig_digest_begin(&digest);
    moon_sig_body_begin(&body, sig->body_canon, sig->body_length, moon_sig_digest_add, &digest);
    moon_body_begin(iter, &msg->body);
    while (next.n) {
        must(moon_body_next(iter, &next) == MOON_OK, "a body in memory can be read");
        for (size_t i = 0; i < next.n; i += chunk)
            moon_sig_body_add(&body, moon_span_sub(next, i, chunk));
    }
    moon_sig_body_end(&body);
    hash.total_bytes = body.total_bytes;
    must(moon_sig_digest_end(&digest, hash.bytes), "the body is hashed");
    return hash;
}

enum moon_result moon_case_core(struct moon_arena *arena, const char *zone, const char *text,
                                size_t size, uint32_t field, size_t chunk, const char **reason_r)
{
    struct moon_dns_backend *backend;
    struct moon_sig sig;
    struct moon_sig_key key;
    struct moon_message *msg = moon_case_message(arena, text, size);
    struct moon_dns *dns = dns_of(arena, zone, &backend);

    must(msg && moon_sig_parse(arena, &msg->fields[field], msg->received_s, &sig) == MOON_OK,
         "the core reads a signature");
    if (sig.result == MOON_RESULT_NONE) {
        const struct moon_dns_answer *answer = moon_dns_wait(dns, sig.key_name, MOON_DNS_TYPE_TXT);
        must(moon_sig_key_of_answer(arena, answer, &key) == MOON_OK, "the core reads a key");
        moon_sig_key_check(&key, &sig);
    }
    if (sig.result == MOON_RESULT_NONE) {
        struct moon_sig_body_hash body = hash_body(arena, msg, &sig, chunk);
        const struct moon_sig_fields *fields = moon_sig_fields_of(arena, msg);
        must(fields && moon_sig_verify(arena, &sig, &key, fields, &body) == MOON_OK,
             "the core verifies");
    }
    moon_dns_end(&dns);
    moon_dns_backend_destroy(&backend);
    *reason_r = sig.reason;
    return sig.result;
}
