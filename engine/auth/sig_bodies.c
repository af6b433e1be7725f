/* SPDX-License-Identifier: MIT
 *
 * sig_bodies: see the header.
 */
#include "engine/auth/sig_bodies.h"

#include "engine/auth/sig_canon.h"
#include "engine/base/limits.h"

struct moon_sig_bodies {
    struct moon_arena *arena;
    const struct moon_body *body;
    struct moon_sig_body_hash hashes[2 * MOON_SIG_BODIES_MAX]; /* at most so many for each kind */
    size_t count;
};

/* A hash while the body is read. */
struct work {
    struct moon_sig_body_hash *hash;
    struct moon_sig_body body;
    struct moon_sig_digest digest;
};

struct moon_sig_bodies *moon_sig_bodies_of(struct moon_arena *arena, const struct moon_body *body)
{
    struct moon_sig_bodies *bodies = moon_arena_alloc(arena, sizeof *bodies);

    if (bodies) {
        bodies->arena = arena;
        bodies->body = body;
    }
    return bodies;
}

bool moon_sig_bodies_want(struct moon_sig_bodies *bodies, const struct moon_sig *sig,
                          struct moon_sig_body_hash **hash_r)
{
    struct moon_sig_body_hash *hash = NULL;
    size_t of_kind = 0;

    for (size_t i = 0; i < bodies->count; i++) {
        struct moon_sig_body_hash *other = &bodies->hashes[i];
        of_kind += other->by_kind[sig->kind];
        if (other->canon == sig->body_canon && other->length == sig->body_length)
            hash = other;
    }
    if ((!hash || !hash->by_kind[sig->kind]) && of_kind == MOON_SIG_BODIES_MAX)
        return false;
    if (!hash) {
        hash = &bodies->hashes[bodies->count++];
        hash->canon = sig->body_canon;
        hash->length = sig->body_length;
    }
    hash->by_kind[sig->kind] = true;
    *hash_r = hash;
    return true;
}

void moon_sig_bodies_need(struct moon_sig_body_hash *hash)
{
    hash->needed = true;
}

static void begin(struct work *work, struct moon_sig_body_hash *hash)
{
    work->hash = hash;
    moon_sig_digest_begin(&work->digest);
    moon_sig_body_begin(&work->body, hash->canon, hash->length, moon_sig_digest_add, &work->digest);
}

/* False when the hash could not be made. Frees in any case. */
static bool end(struct work *work)
{
    moon_sig_body_end(&work->body);
    work->hash->total_bytes = work->body.total_bytes;
    return moon_sig_digest_end(&work->digest, work->hash->bytes);
}

static enum moon_status read_body(struct moon_sig_bodies *bodies, struct moon_body_iter *iter,
                                  struct work *works, size_t count)
{
    struct moon_span chunk = {NULL, 1};
    enum moon_status status = MOON_OK;

    moon_body_begin(iter, bodies->body);
    while (status == MOON_OK && chunk.n) {
        status = moon_body_next(iter, &chunk);
        for (size_t i = 0; status == MOON_OK && i < count; i++)
            moon_sig_body_add(&works[i].body, chunk);
    }
    return status;
}

enum moon_status moon_sig_bodies_make(struct moon_sig_bodies *bodies)
{
    struct moon_sig_body_hash *missing[2 * MOON_SIG_BODIES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < bodies->count; i++)
        if (bodies->hashes[i].needed && !bodies->hashes[i].made)
            missing[count++] = &bodies->hashes[i];
    if (count == 0)
        return MOON_OK;
    struct moon_body_iter *iter = moon_arena_raw(bodies->arena, sizeof *iter);
    struct work *works = moon_arena_raw(bodies->arena, count * sizeof *works);
    if (!iter || !works)
        return MOON_ENOMEM;
    for (size_t i = 0; i < count; i++)
        begin(&works[i], missing[i]);
    enum moon_status status = read_body(bodies, iter, works, count);
    for (size_t i = 0; i < count; i++)
        if (!end(&works[i]) && status == MOON_OK)
            status = MOON_ENOMEM;
    for (size_t i = 0; i < count; i++)
        missing[i]->made = status == MOON_OK;
    return status;
}

bool moon_sig_body_is_signed(const struct moon_sig_body_hash *hash, const struct moon_sig *sig)
{
    return hash->made && moon_span_eq(sig->body_hash, (struct moon_span){(const char *)hash->bytes,
                                                                         sizeof hash->bytes});
}
