/* SPDX-License-Identifier: MIT
 *
 * sig_hash: header selection and hashes.
 *
 * Fields are sorted once by name and, within a name, from the lowest up; an element of h= is then a
 * binary search plus its occurrence. A stranger who sends 100000 fields and 20 long h= lists buys
 * no quadratic work with it.
 */
#include "engine/auth/sig_hash.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "engine/auth/sig_pkey.h"

struct moon_sig_fields {
    const struct moon_field **sorted;
    size_t count;
};

/* Any order will do that has equal names side by side. A header is far smaller than an int can
 * tell. */
static int compare_names(struct moon_span a, struct moon_span b)
{
    int order = (int)a.n - (int)b.n;
    for (size_t i = 0; order == 0 && i < a.n; i++)
        order = moon_lower(a.p[i]) - moon_lower(b.p[i]);
    return order;
}

static int compare_fields(const void *a, const void *b)
{
    const struct moon_field *x = *(const struct moon_field *const *)a;
    const struct moon_field *y = *(const struct moon_field *const *)b;
    int order = compare_names(x->name, y->name);
    return order ? order : (int)(y - x); /* one array: lower in the message first */
}

const struct moon_sig_fields *moon_sig_fields_of(struct moon_arena *arena,
                                                 const struct moon_message *msg)
{
    struct moon_sig_fields *fields = moon_arena_alloc(arena, sizeof *fields);
    if (!fields)
        return NULL;
    fields->sorted = moon_arena_array(arena, msg->field_count, sizeof *fields->sorted);
    if (!fields->sorted)
        return NULL;
    fields->count = msg->field_count;
    for (size_t i = 0; i < msg->field_count; i++)
        fields->sorted[i] = &msg->fields[i];
    if (fields->count)
        qsort(fields->sorted, fields->count, sizeof *fields->sorted, compare_fields);
    return fields;
}

static const struct moon_field *pick(const struct moon_sig_fields *fields,
                                     struct moon_sig_name name)
{
    struct moon_span wanted = moon_span_of(name.name);
    size_t low = 0, high = fields->count;

    while (low < high) { /* to the first of the name */
        size_t middle = low + (high - low) / 2;
        if (compare_names(fields->sorted[middle]->name, wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (name.occurrence >= fields->count - low)
        return NULL;
    const struct moon_field *field = fields->sorted[low + name.occurrence];
    return compare_names(field->name, wanted) == 0 ? field : NULL;
}

const struct moon_field *moon_sig_fields_pick(const struct moon_sig_fields *fields,
                                              struct moon_sig_name name,
                                              const struct moon_field *own)
{
    const struct moon_field *field = pick(fields, name);

    if (!field || !own || compare_names(field->name, own->name) != 0 || own < field)
        return field;
    name.occurrence++; /* the own field is this one or below it: it does not count */
    return pick(fields, name);
}

void moon_sig_digest_begin(struct moon_sig_digest *digest)
{
    digest->staged = 0;
    digest->context = EVP_MD_CTX_new();
    digest->failed =
        !digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1;
}

static void digest_flush(struct moon_sig_digest *digest)
{
    if (digest->staged && !digest->failed &&
        EVP_DigestUpdate(digest->context, digest->stage, digest->staged) != 1)
        digest->failed = true;
    digest->staged = 0;
}

void moon_sig_digest_add(void *context, const char *p, size_t n)
{
    struct moon_sig_digest *digest = context;

    if (n > sizeof digest->stage - digest->staged)
        digest_flush(digest);
    if (n >= sizeof digest->stage) {
        if (!digest->failed && EVP_DigestUpdate(digest->context, p, n) != 1)
            digest->failed = true;
    } else if (n) {
        memcpy(digest->stage + digest->staged, p, n);
        digest->staged += n;
    }
}

void moon_sig_digest_fork(struct moon_sig_digest *digest, struct moon_sig_digest *copy_r)
{
    digest_flush(digest);
    moon_sig_digest_begin(copy_r);
    if (digest->failed || copy_r->failed ||
        EVP_MD_CTX_copy_ex(copy_r->context, digest->context) != 1)
        copy_r->failed = true;
}

bool moon_sig_digest_end(struct moon_sig_digest *digest, unsigned char out[MOON_SIG_DIGEST_BYTES])
{
    digest_flush(digest);
    if (!digest->failed && EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
        digest->failed = true;
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
    return !digest->failed;
}

enum moon_status moon_sig_header_hash(struct moon_arena *arena,
                                      const struct moon_sig_fields *fields,
                                      const struct moon_sig *sig,
                                      unsigned char out[MOON_SIG_DIGEST_BYTES])
{
    struct moon_sig_digest digest;
    struct moon_span own;

    if (!moon_sig_unsigned_text(arena, sig, &own))
        return MOON_ENOMEM;
    moon_sig_digest_begin(&digest);
    for (size_t i = 0; i < sig->name_count; i++) { /* at most MOON_SIG_NAMES_MAX */
        const struct moon_field *field = moon_sig_fields_pick(fields, sig->names[i], sig->field);
        if (!field)
            continue; /* RFC 6376 section 5.4: a null string */
        moon_sig_canon_field(sig->header_canon, field->raw, moon_sig_digest_add, &digest);
        moon_sig_digest_add(&digest, "\r\n", 2);
    }
    moon_sig_canon_field(sig->header_canon, own, moon_sig_digest_add, &digest);
    return moon_sig_digest_end(&digest, out) ? MOON_OK : MOON_ENOMEM;
}

void moon_sig_bodies_begin(struct moon_sig_bodies *bodies)
{
    bodies->count = 0;
    bodies->known[MOON_SIG_CANON_SIMPLE] = bodies->known[MOON_SIG_CANON_RELAXED] = NULL;
}

void moon_sig_bodies_know(struct moon_sig_bodies *bodies, enum moon_sig_canon canon,
                          const unsigned char *hash)
{
    if (hash)
        bodies->known[canon] = hash;
}

static bool serves(const struct moon_sig_bodies *bodies, size_t i, enum moon_sig_canon canon,
                   int64_t length, bool with_hash)
{
    return bodies->items[i].body.canon == canon && bodies->items[i].body.length == length &&
           (!with_hash || bodies->items[i].digest || bodies->items[i].known);
}

enum moon_status moon_sig_bodies_want(struct moon_arena *arena, struct moon_sig_bodies *bodies,
                                      enum moon_sig_canon canon, int64_t length, bool with_hash,
                                      size_t *index_r)
{
    size_t i = 0;

    while (i < bodies->count && !serves(bodies, i, canon, length, with_hash))
        i++;
    *index_r = i;
    if (i < bodies->count)
        return MOON_OK;
    if (i == MOON_SIG_BODIES_MAX)
        return MOON_EBUDGET;
    struct moon_sig_digest *digest = NULL;
    bool known = with_hash && length < 0 && bodies->known[canon];
    bodies->items[i].known = known;
    if (known)
        memcpy(bodies->items[i].hash, bodies->known[canon], sizeof bodies->items[i].hash);
    else if (with_hash) {
        digest = moon_arena_raw(arena, sizeof *digest);
        if (!digest)
            return MOON_ENOMEM;
        moon_sig_digest_begin(digest);
    }
    bodies->items[i].digest = digest;
    moon_sig_body_begin(&bodies->items[i].body, canon, length, digest ? moon_sig_digest_add : NULL,
                        digest);
    bodies->count++;
    return MOON_OK;
}

static bool is_open(const struct moon_sig_bodies *bodies, size_t i)
{
    return bodies->items[i].digest || bodies->items[i].body.length >= 0;
}

bool moon_sig_bodies_open(const struct moon_sig_bodies *bodies)
{
    size_t i = 0;
    while (i < bodies->count && !is_open(bodies, i))
        i++;
    return i < bodies->count;
}

void moon_sig_bodies_add(struct moon_sig_bodies *bodies, struct moon_span chunk)
{
    for (size_t i = 0; i < bodies->count; i++)
        if (is_open(bodies, i))
            moon_sig_body_add(&bodies->items[i].body, chunk);
}

enum moon_status moon_sig_bodies_end(struct moon_sig_bodies *bodies)
{
    enum moon_status status = MOON_OK;

    for (size_t i = 0; i < bodies->count; i++) {
        struct moon_sig_digest *digest = bodies->items[i].digest;
        if (!is_open(bodies, i))
            continue; /* nobody asks */
        moon_sig_body_end(&bodies->items[i].body);
        if (digest && !moon_sig_digest_end(digest, bodies->items[i].hash))
            status = MOON_ENOMEM;
    }
    return status;
}

enum moon_status moon_sig_verify(struct moon_arena *arena, struct moon_sig *sig,
                                 const struct moon_sig_key *key,
                                 const struct moon_sig_fields *fields,
                                 const struct moon_sig_bodies *bodies, size_t index)
{
    unsigned char hash[MOON_SIG_DIGEST_BYTES];
    bool valid;

    if (sig->result != MOON_RESULT_NONE)
        return MOON_OK;
    if (sig->body_length > bodies->items[index].body.total_bytes) {
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "l= is larger than the body");
        return MOON_OK;
    }
    if (!moon_span_eq(sig->body_hash, (struct moon_span){(const char *)bodies->items[index].hash,
                                                         sizeof bodies->items[index].hash})) {
        moon_sig_refuse(sig, MOON_RESULT_FAIL, "body hash did not verify");
        return MOON_OK;
    }
    enum moon_status status = moon_sig_header_hash(arena, fields, sig, hash);
    if (status == MOON_OK)
        status = moon_sig_pkey_verify(key, hash, sig->signature, &valid);
    if (status == MOON_OK)
        moon_sig_refuse(sig, valid ? MOON_RESULT_PASS : MOON_RESULT_FAIL,
                        valid ? "" : "signature did not verify");
    return status;
}
