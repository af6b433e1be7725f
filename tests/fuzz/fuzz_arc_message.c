/* SPDX-License-Identifier: MIT
 *
 * fuzz_arc_message: a zone, a line "%%", and a message, through the whole validation of ARC. The
 * results must keep the promises of results.h, and a pass needs every seal and the newest
 * signature.
 *
 * Parser: engine/auth/arc.c
 * Parser: engine/auth/arc_set.c
 */
#include <stdlib.h>
#include <string.h>

#include "engine/auth/arc.h"
#include "engine/base/limits.h"
#include "engine/message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

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

static void check_pass(const struct moon_arc *arc)
{
    must(arc->set_count == arc->instances && arc->set_count > 0);
    must(arc->oldest_pass >= -1 && arc->oldest_pass <= (int)arc->instances &&
         arc->oldest_pass != 1);
    for (size_t i = 0; i < arc->set_count; i++) {
        const struct moon_arc_set *set = &arc->sets[i];
        must(set->seal_result == MOON_RESULT_PASS && set->domain && set->selector && set->bits);
        must(strcmp(set->cv, i == 0 ? "none" : "pass") == 0);
    }
    const struct moon_arc_set *newest = &arc->sets[arc->set_count - 1];
    must(newest->signature.result == MOON_RESULT_PASS &&
         newest->signature.body == MOON_ARC_BODY_INTACT);
    must(moon_arc_sealed_by(arc, newest->domain) == newest);
    for (size_t i = 0; i < arc->set_count; i++)
        if (moon_arc_vouches(arc, arc->sets[i].domain, "dmarc", "author.example"))
            must(moon_arc_sealed_by(arc, arc->sets[i].domain) != NULL);
}

static void check(const struct moon_arc *arc)
{
    must(arc->reason != NULL);
    must((arc->result == MOON_RESULT_NONE) == !arc->verified);
    must((arc->result == MOON_RESULT_FAIL) == (arc->failed_part != NULL));
    must((arc->result == MOON_RESULT_FAIL) == (*arc->reason != '\0'));
    must(arc->set_count <= MOON_ARC_INSTANCES_MAX && arc->failed_instance <= arc->instances);
    for (size_t i = 0; i < arc->set_count; i++) {
        const struct moon_arc_set *set = &arc->sets[i];
        must(set->instance > 0 && set->instance <= arc->instances && set->seal_reason &&
             set->signature.reason && (i == 0 || set->instance > arc->sets[i - 1].instance));
        if (arc->result != MOON_RESULT_PASS)
            must(!moon_arc_vouches(arc, set->domain, "dmarc", NULL));
    }
    if (arc->result == MOON_RESULT_PASS)
        check_pass(arc);
}

static void run(struct moon_arena *arena, struct moon_dns *dns, struct moon_message *msg)
{
    struct moon_arc_check *state;
    struct moon_arc arc;

    struct moon_sig_bodies *bodies = moon_sig_bodies_of(arena, &msg->body);
    if (bodies && moon_arc_begin(arena, dns, msg, bodies, &state) == MOON_OK &&
        moon_arc_finish(state, &arc) == MOON_OK)
        check(&arc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
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
