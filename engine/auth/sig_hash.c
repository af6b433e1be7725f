/* SPDX-License-Identifier: MIT
 *
 * sig_hash: header selection and the header hash.
 *
 * Fields are sorted once by name and, within a name, from the lowest up; an element of h= is then a
 * binary search plus its occurrence. A stranger who sends 100000 fields and 20 long h= lists buys
 * no quadratic work with it.
 */
#include "engine/auth/sig_hash.h"

#include <stdlib.h>
#include <string.h>

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

enum moon_status moon_sig_verify(struct moon_arena *arena, struct moon_sig *sig,
                                 const struct moon_sig_key *key,
                                 const struct moon_sig_fields *fields,
                                 const struct moon_sig_body_hash *body)
{
    unsigned char hash[MOON_SIG_DIGEST_BYTES];
    bool valid;

    if (sig->result != MOON_RESULT_NONE)
        return MOON_OK;
    if (sig->body_length > body->total_bytes) {
        moon_sig_refuse(sig, MOON_RESULT_PERMERROR, "l= is larger than the body");
        return MOON_OK;
    }
    if (!moon_sig_body_is_signed(body, sig)) {
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
